"""Set up the environment that make needs: a virtual environment with the pinned, hash-checked packages.

Standard library only, and syntax that old Pythons can read, so that a Python that is too old gets a sentence.
Usage: python3 workflow/bootstrap.py runtime|test|quarto
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LOG = os.path.join(ROOT, "logs", "setup.log")
QUARTO = "1.9.38"
NEEDED = (3, 11)

CAUSES = [
    ("No space left", "There is no space left on the disk. Free some and run the command again"),
    (
        "DO NOT MATCH THE HASHES",
        "A downloaded package does not match its pinned hash. Do not use it; try again, and report it if it stays",
    ),
    ("Permission denied", "The folder cannot be written. Give yourself the right to it, or clone elsewhere"),
    (
        "Error downloading Quarto",
        "Quarto's release could not be downloaded; the bundled engine goes on rendering. "
        "With conda, `conda env create -f environment.yml` brings Quarto; or install it and set QUARTO_PATH",
    ),
    (
        "No matching distribution",
        "Packages could not be found: no network, or no build for this Python and platform. "
        "Without a network, run `make wheels` on a connected machine of the same kind, copy the folder `wheels` here and "
        "run the command again",
    ),
]
NETWORK = (
    "The packages could not be installed: is there a network? Without one, run `make wheels` on a connected "
    "machine of the same kind, copy the folder `wheels` here and run the command again"
)


def stop(sentence):
    """Print one sentence and end with code 1."""
    sentence = sentence.rstrip(".")
    sys.stderr.write("error: " + sentence + ("" if sentence.endswith(("?", "!")) else ".") + "\n")
    sys.exit(1)


def main():
    """Make the environment ready for what the first argument names; does nothing when it is."""
    if sys.version_info < NEEDED:
        stop(
            "Python %d.%d or newer is needed, this one is %d.%d (%s). Install a newer one, or name it: make report "
            "PYTHON=python3.12" % (NEEDED + sys.version_info[:2] + (sys.executable,))
        )
    what = sys.argv[1]
    listed = os.path.join(ROOT, "requirements", what + ".txt")
    stamp = os.path.join(VENV, ".ready-" + what)
    with open(listed, "rb") as stream:
        wanted = hashlib.sha256(stream.read()).hexdigest()
    if what != "quarto" or not os.path.exists(PYTHON):
        make_environment()
    if os.path.exists(stamp):
        with open(stamp) as stream:
            if stream.read() == wanted:
                return
    print("Setting up the environment (%s packages, pinned and hash-checked) ..." % what)
    sys.stdout.flush()
    options = ["--no-deps", "--no-build-isolation"]
    wheels = os.path.join(ROOT, "wheels")
    if os.path.isdir(wheels):
        options += ["--no-index", "--find-links", wheels]
    for name in (os.path.join(ROOT, "requirements", "build.txt"), listed):
        pip(["install", "--require-hashes"] + options + ["-r", name])
    if what == "quarto":
        check_quarto()
    with open(stamp + ".part", "w") as stream:
        stream.write(wanted)
    os.replace(stamp + ".part", stamp)


def make_environment():
    """Make .venv with this Python, or make it anew when it does not run or is of another version."""
    version = "%d.%d" % sys.version_info[:2]
    if os.path.exists(PYTHON):
        code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([PYTHON, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if done.returncode == 0 and done.stdout.decode().strip() == version:
            return
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        done = run([sys.executable, "-m", "venv", VENV])
    except OSError as error:
        stop("The environment could not be made (%s). Give yourself the right to write in %s" % (error, ROOT))
    if done:
        shutil.rmtree(VENV, ignore_errors=True)
        if "ensurepip" in tail():
            stop("Python's venv module is not complete. On Debian or Ubuntu: apt install python3-venv")
        stop(cause("The environment could not be made; logs/setup.log has the details"))


def pip(arguments):
    """Run pip in the environment; on failure print one sentence and end."""
    if run([PYTHON, "-m", "pip", "--disable-pip-version-check"] + arguments):
        stop(cause(NETWORK))


def cause(otherwise):
    """The sentence for what the log shows."""
    text = tail()
    for sign, sentence in CAUSES:
        if sign in text:
            return sentence + " (details: logs/setup.log)"
    return otherwise + " (details: logs/setup.log)"


def run(command):
    """Run a command with its output in logs/setup.log; returns its exit code."""
    try:
        os.makedirs(os.path.dirname(LOG), exist_ok=True)
        with open(LOG, "wb") as log:
            return subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
    except OSError as error:
        if error.errno == 28:
            stop(CAUSES[0][1])
        stop("The folder cannot be written (%s). Give yourself the right to it, or clone elsewhere" % error)


def tail():
    """What the last command said."""
    with open(LOG, "rb") as log:
        return log.read().decode("utf-8", "replace")


def check_quarto():
    """The installed Quarto must be of the pinned version; otherwise it is removed again."""
    program = os.path.join(VENV, "bin", "quarto")
    done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode or said != QUARTO:
        run([PYTHON, "-m", "pip", "uninstall", "-y", "quarto-cli"])
        stop("Quarto was installed but says %r where %s is pinned; it is removed again" % (said[-80:], QUARTO))
    print("Quarto %s is installed; the next `make report` renders with it." % QUARTO)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; run the command again.\n")
        sys.exit(130)
