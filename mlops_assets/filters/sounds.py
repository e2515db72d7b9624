"""Sound that people do not hear: none at all, or above what ears take in."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_assets.filters.evidence import Evidence, evidence
from mlops_assets.media.loudness import SoundLevels

SILENT_BELOW_DB = -60.0
ULTRASONIC_ABOVE_DB = -60.0
ULTRASONIC_EXCESS_DB = 10.0


def judge_sound(
    levels: SoundLevels,
    *,
    silent_below_db: float = SILENT_BELOW_DB,
    ultrasonic_above_db: float = ULTRASONIC_ABOVE_DB,
) -> tuple[Evidence, ...]:
    """Find `silent_audio` and `ultrasonic_audio` in what was measured.

    Args:
        levels: of `measure_sound`.
        silent_below_db: a sound whose loudest moment is quieter is silent; below 0.
        ultrasonic_above_db: energy above 17 kHz that is louder, and in one place 10 dB louder than
            the sound just below it, was put there; below 0.

    Returns:
        What was found, with the levels; a sound can be both silent to people and not to machines.
    """
    return tuple(_finds(levels, silent_below_db, ultrasonic_above_db))


def _finds(levels: SoundLevels, silent_db: float, ultrasonic_db: float) -> Iterator[Evidence]:
    top, excess = levels.ultrasonic_db, levels.ultrasonic_excess_db
    if levels.level_db < silent_db:
        said = f"at its loudest {levels.level_db:.0f} dB of full scale; limit {silent_db:.0f}"
        yield evidence("silent_audio", said)
    if top is None or excess is None:
        return
    if top > ultrasonic_db and excess > ULTRASONIC_EXCESS_DB:
        said = f"{top:.0f} dB of full scale above 17 kHz; limit {ultrasonic_db:.0f}"
        yield evidence("ultrasonic_audio", f"{said}; {excess:.0f} dB over the band below")
