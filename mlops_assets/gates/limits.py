"""The bounds a landed file must keep to: the thresholds of the gates."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_assets.media.probing.probed import ProbeLimits


@dataclass(frozen=True)
class Limits:
    """Thresholds. Each gate of `GATES` names the field that holds its own.

    Attributes:
        max_bytes: size of any file.
        max_image_bytes: size of an image; some image formats are read whole to see their header.
        max_document_bytes: size of a PDF or a text.
        max_sidecar_bytes: size of a sidecar.
        max_labels_bytes: size of a `labels.csv`.
        max_pixels: width x height of one picture.
        max_duration_s: seconds.
        max_rate_hz: frames per second.
        max_pages: pages of a document, frames of an animated or multi-page image.
        max_packets: packets counted, and samples a video track may declare.
        max_read_bytes: bytes read while counting packets.
        max_chars: characters of a document.
        max_share_lost: share of a file that may be lost before the rest is not worth keeping, 0 to
            1.
        min_brightness: mean luma of a picture, 0 to 1, below which it is too dark; as all that
            follow, of a file's typical picture.
        max_brightness: above which it is too bright.
        min_contrast: standard deviation of luma, 0 to 0.5.
        min_sharpness: see `PictureQuality`.
        max_clipped_dark: share of the picture that is black.
        max_clipped_bright: share of the picture that is white.
        max_noise: grain, in gray levels.
        max_blockiness: see `PictureQuality`.
        max_black_share: share of a clip that is black.
        max_frozen_share: share of a clip in which nothing changes.
        max_aspect: longer side over shorter.
        min_side_px: shorter side.
        max_side_px: shorter side.
        min_rate_hz: pictures a second.
        max_usual_rate_hz: pictures a second; `max_rate_hz` is what no camera does.
        max_damaged_share: share of a text's characters that were lost or read wrong.
        max_garbage_share: share of a text's characters that are no text.
        languages: ISO 639-1 codes a text may be in, with commas between; empty for any.
    """

    max_bytes: int = 20_000_000_000
    max_image_bytes: int = 1_000_000_000
    max_document_bytes: int = 1_000_000_000
    max_sidecar_bytes: int = 1_000_000
    max_labels_bytes: int = 100_000_000
    max_pixels: int = 100_000_000
    max_duration_s: float = 86_400.0
    max_rate_hz: float = 1_000.0
    max_pages: int = 5_000
    max_packets: int = 5_000_000
    max_read_bytes: int = 20_000_000_000
    max_chars: int = 20_000_000
    max_share_lost: float = 0.9
    min_brightness: float = 0.05
    max_brightness: float = 0.95
    min_contrast: float = 0.02
    min_sharpness: float = 10.0
    max_clipped_dark: float = 0.7
    max_clipped_bright: float = 0.5
    max_noise: float = 12.0
    max_blockiness: float = 0.5
    max_black_share: float = 0.5
    max_frozen_share: float = 0.8
    max_aspect: float = 4.0
    min_side_px: float = 64.0
    max_side_px: float = 10_000.0
    min_rate_hz: float = 1.0
    max_usual_rate_hz: float = 300.0
    max_damaged_share: float = 0.01
    max_garbage_share: float = 0.25
    languages: str = ""

    @property
    def probe(self) -> ProbeLimits:
        """The part of it that a probe keeps to."""
        return ProbeLimits(
            max_pixels=self.max_pixels,
            max_duration_s=self.max_duration_s,
            max_rate_hz=self.max_rate_hz,
            max_pages=self.max_pages,
            max_packets=self.max_packets,
            max_read_bytes=self.max_read_bytes,
        )
