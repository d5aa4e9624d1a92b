"""The stand-in: a synthetic frame, sample, dispositions and answers, drawn from config/standin.yaml with a seed.

``world`` goes through stages (frame, truth, sample, disposition, Parts I to III); ``faults.inject`` then makes the
returned forms as untidy as returned forms are. Each stage draws from its own stream, so a new stage changes no byte of
the earlier ones. Every stream yields uniforms only and turns them into other distributions by their inverse functions;
the tables are therefore the same bytes for the same seed. Files are written in ``output`` and nowhere else.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from agency_survey import codebook, schema
from agency_survey.codebook import Codebook
from agency_survey.standin import (
    calibration,
    cases,
    faults,
    forms,
    frame,
    identification,
    investigations,
    output,
    perceptions,
    preparation,
    sample,
)
from agency_survey.standin.output import PLACES
from agency_survey.standin.tools import stream, values

__all__ = ["LARGEST_SCALE", "PARTS", "PLACES", "generate", "read_codebooks", "read_settings", "world", "write"]
PARTS = ("part1", "part2", "part3")
LARGEST_SCALE = 2000  # there are 32^5 identifiers


def read_settings(standin: str | Path, sample_design: str | Path) -> dict:
    """Both settings files, checked; the sample design stands under ``sample_design``."""
    settings = schema.load(standin, "standin")
    settings["sample_design"] = schema.load(sample_design, "sample_design")
    return settings


def read_codebooks(folder: str | Path) -> dict[str, Codebook]:
    """Codebooks of the three parts, which give the columns, the codes and the ranges."""
    return {name: codebook.load(Path(folder) / f"{name}.yaml") for name in PARTS}


def world(
    settings: dict, frame_counts: pd.DataFrame, books: dict[str, Codebook], seed: int, replicate: int = 0
) -> dict[str, pd.DataFrame]:
    """Frame, true answers, sample and returned forms without faults.

    settings : as of ``read_settings``. frame_counts : published counts of agencies (data/published/frame_counts.csv).
    Raises InputError when settings and counts contradict each other.
    """
    plain, streams = values(settings), partial(stream, seed, replicate)
    design = plain["sample_design"]
    agencies = frame.make_frame(
        plain["frame"], frame_counts, design["population_threshold"], streams("frame"), replicate
    )
    truth = perceptions.make_truth(plain, agencies, streams)
    truth = truth.join(
        preparation.true_preparation(plain["preparation"], agencies, truth, books["part1"], streams("preparation"))
    )
    truth = truth.join(
        identification.true_identification(
            plain["identification"], agencies, truth, books["part1"], streams("identification")
        )
    )
    investigated = investigations.true_investigations(
        plain["investigations"], agencies, truth, books["part2"], streams("investigations")
    )
    described = cases.true_cases(plain["cases"], agencies, truth, investigated, books["part3"], streams("cases"))
    drawn = sample.draw_sample(design, agencies, plain["sampling"]["max_draws"], streams("sample"))
    disposition = sample.make_dispositions(plain["response"], agencies, truth, drawn, streams("response"))
    part1 = forms.make_part1(plain, agencies, truth, disposition, books["part1"], streams)
    part2 = forms.make_part2(plain, agencies, investigated, part1, books["part2"], streams("part2"))
    part3 = forms.make_part3(plain, agencies, described, part2, books["part3"], streams("part3"))
    return {
        "frame": agencies,
        "disposition": disposition,
        "part1": part1,
        "part2": part2,
        "part3": part3,
        "population": truth,
        "investigations": investigated,
        "cases": described,
    }


def generate(
    settings: dict, frame_counts: pd.DataFrame, books: dict[str, Codebook], seed: int, replicate: int = 0
) -> dict[str, pd.DataFrame]:
    """All tables of the stand-in by the names of ``output.PLACES``: the raw forms with their faults, and the truth."""
    tables = world(settings, frame_counts, books, seed, replicate)
    plain = values(settings)
    raw, listed = faults.inject(plain["faults"], tables, books, partial(stream, seed, replicate))
    return tables | raw | {"faults": listed, "calibration": calibration.achieved(plain, tables)}


def write(
    settings: dict, frame_counts: pd.DataFrame, books: dict[str, Codebook], root: str | Path, scale: int = 1
) -> list[Path]:
    """Write the stand-in below the data folder ``root``: ``scale`` independent replicates, one after another.

    The first is that of ``scale`` 1; identifiers and task forces differ between replicates. Memory does not grow with
    ``scale``.
    """
    replicates = (generate(settings, frame_counts, books, settings["seed"], number) for number in range(scale))
    return output.write(replicates, values(settings), root)
