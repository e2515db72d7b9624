"""`mlops flow`: judge optical flow on data sets whose truth is known, and take stored flow out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlops_assets.cli.completion import AnyPartition
from mlops_assets.cli.failures import PROBLEMS
from mlops_assets.cli.output import AsJson, print_json, printable, progress, say, show
from mlops_assets.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_assets.flow.evaluation import BothWays, Candidate, PairFiles, PairResult, TruePair

_SEED = 20_261_121

FlowForm = Literal["npy", "flo", "kitti", "colour"]
_FORMS: dict[str, FlowForm] = {".npy": "npy", ".flo": "flo", ".png": "colour"}

flow = typer.Typer(
    name="flow",
    help="Judge optical flow on data sets with truth; take stored flow out.",
    no_args_is_help=True,
)


def backend_names(incomplete: str) -> list[str]:
    """Backends that begin so."""
    from mlops_assets.flow import BACKENDS

    return [name for name in ("auto", *BACKENDS) if name.startswith(incomplete)]


@flow.command()
def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A data set, a folder of them, or one pair.", show_default=False
        ),
    ],
    backend: Annotated[
        str, typer.Option(help="What solves it.", autocompletion=backend_names)
    ] = "auto",
    preset: Annotated[
        Literal["fast", "balanced", "quality"], typer.Option(help="Effort.")
    ] = "balanced",
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw each pair: picture, error, flow, truth."),
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also under noise, blur, JPEG, less light, ...")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """How far flow is from the truth, pair by pair and in the mean.

    Finds Middlebury, Sintel, KITTI and FlyingChairs layouts by itself. Exits with 1 when a pair
    could not be judged; the others are.
    """
    from mlops_assets.flow import evaluation

    found = evaluation.find_pairs(folder)
    candidate = evaluation.candidate_of(backend=backend, preset=preset)
    results = _evaluated(found.pairs, candidate, pictures, robustness=robustness)
    rows = [evaluation.pair_row(result, candidate.origin) for result in results]
    mean = evaluation.mean_row(results, candidate.origin)
    if as_json:
        print_json([*rows, mean])
    else:
        _show(rows, mean)
    if pictures and mean["robustness_epe_px"]:
        plot = evaluation.robustness_plot({candidate.origin.backend: _with_plain(mean)})
        _write(pictures / "robustness.png", plot)
    for name in found.without_truth:
        typer.echo(printable(f"mlops: no true flow for the pictures in {name}"), err=True)
    if mean["failed"]:
        raise typer.Exit(PROBLEMS)


@flow.command()
def decode(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FRAME|FILE",
            help="A frame_id or its beginning; or a file: .flo, KITTI .png, or a stored blob.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Where to, such as motion.npy.", dir_okay=False)
    ],
    form: Annotated[
        FlowForm | None,
        typer.Option(
            "--as", help="By the ending of OUT: .npy, .flo; .png is colour.", show_default=False
        ),
    ] = None,
    partition: AnyPartition = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Of a blob's field.", show_default=False),
    ] = None,
    step_px: Annotated[float, typer.Option("--step", help="Of a blob, px.")] = 1 / 32,
) -> None:
    """Take a flow field out of the lake, or of a file, as NumPy, .flo, KITTI PNG or a picture."""
    from mlops_assets.flow.formats.files import flow_file

    chosen = form or _FORMS.get(out.suffix.lower())
    if chosen is None:
        raise ConfigurationError(f"{out.name} ends in none of {[*_FORMS]}; name a form with --as")
    field = _field(what, partition, size, step_px)
    _write(out, flow_file(field, chosen))
    height, width = field.shape[1:]
    say(f"{out}: {chosen}, {width} x {height} px")


def _field(
    what: str, partition: str | None, size: str | None, step_px: float
) -> NDArray[np.float32]:
    """The field of a frame, or of a file of that name."""
    from mlops_assets.flow.formats.files import read_bounded, read_flow_file

    path = Path(what)
    if path.suffix.lower() in (".flo", ".png"):
        return read_flow_file(path)
    if path.is_file():
        return _decoded(read_bounded(path), _size(size), step_px)
    from mlops_assets.operations.motion import stored_flow

    return stored_flow(what, partition=partition)


def _decoded(blob: bytes, size: tuple[int, int], step_px: float) -> NDArray[np.float32]:
    """A stored blob; whether it holds full or half resolution shows in its length."""
    from mlops_assets.flow import EncodedFlow, decode_flow

    width, height = size
    full = EncodedFlow(blob, "flow16", 1, step_px, height, width, scale_log2=0)
    try:
        return decode_flow(full)
    except InputError:
        return decode_flow(dataclasses.replace(full, scale_log2=1))


def _size(text: str | None) -> tuple[int, int]:
    width, _, height = (text or "").lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise typer.BadParameter(f"--size is {text!r}; a blob needs one such as 640x360")
    return int(width), int(height)


def _evaluated(
    pairs: Sequence[PairFiles], candidate: Candidate, pictures: Path | None, *, robustness: bool
) -> list[PairResult]:
    from mlops_assets.flow import evaluation

    def draw(files: PairFiles, pair: TruePair, solved: BothWays) -> None:
        if pictures is not None:
            drawn = evaluation.pair_picture(pair, solved.forward, title=files.name)
            _write(pictures / f"{files.name}.jpg", drawn)

    results = []
    evaluated = evaluation.evaluate_pairs(
        pairs, candidate, clock=time.perf_counter, seed=_SEED if robustness else None, look=draw
    )
    with progress("evaluating") as tell:
        for result in evaluated:
            results.append(result)
            tell(len(results), len(pairs))
    return results


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as err:
        raise ConfigurationError(f"{path} cannot be written: {err.strerror}") from err


def _show(rows: list[dict[str, Any]], mean: dict[str, Any]) -> None:
    import polars as pl

    lines = pl.DataFrame([_line(row) for row in [*rows, mean]], infer_schema_length=None)
    title = f"{mean['backend']}, {mean['preset']}: errors in px, shares 0 to 1"
    show(lines.select(one for one in lines if one.null_count() < len(one)), title=title)
    if mean["robustness_epe_px"]:
        disturbed = [
            {"pair": row["pair"], **_with_plain(row)}
            for row in [*rows, mean]
            if row.get("robustness_epe_px")
        ]
        show(pl.DataFrame(disturbed, infer_schema_length=None), title="EPE under disturbances, px")
    for row in rows:
        if row["error"]:
            say(f"{row['pair']}: {row['error']}")
    ranks = mean["calibration"]
    if ranks["miss_over_tiles"] is not None:
        say(
            f"forward-backward miss ranks true error: {ranks['miss_over_tiles']:.2f} over "
            f"{ranks['tiles']} tiles of {ranks['pairs']} pairs (1: exactly, 0: not at all)"
        )
    if mean["failed"]:
        say(f"{mean['failed']} of {len(rows)} pairs could not be judged")


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """What people read of a row."""
    from mlops_assets.flow.evaluation.measures import REGIONS

    regions = row.get("regions") or {}
    return {
        "pair": row["pair"],
        "EPE": row["epe_px"],
        "MSE": row.get("mse_px2"),
        "AAE deg": row["aae_deg"],
        "> 1 px": row["over_1px"],
        "> 3 px": row["over_3px"],
        "Fl": row["fl"],
        "seconds": row["seconds"],
        "fb fail": row.get("fb_fail_share"),
        **{f"EPE {name}": (regions.get(name) or {}).get("epe_px") for name in REGIONS},
    }


def _with_plain(row: dict[str, Any]) -> dict[str, float | None]:
    """Errors under disturbances, behind the error without."""
    return {"undisturbed": row["epe_px"], **row["robustness_epe_px"]}
