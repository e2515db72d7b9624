"""The signatures of formats that this platform must never get wrong; plain data.

Where a number has more than one meaning, the check stands in `sniff`.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["video", "image", "audio", "document", "archive", "unknown"]

SIGNATURES: tuple[tuple[bytes, Kind, str], ...] = (
    (b"\xff\xd8\xff", "image", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image", "image/png"),
    (b"GIF87a", "image", "image/gif"),
    (b"GIF89a", "image", "image/gif"),
    (b"II*\0", "image", "image/tiff"),
    (b"MM\0*", "image", "image/tiff"),
    (b"II+\0", "image", "image/tiff"),
    (b"MM\0+", "image", "image/tiff"),
    (b"\0\0\0\x0cjP  \r\n", "image", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image", "image/jp2"),
    (b"\0\0\0\x0cJXL \r\n", "image", "image/jxl"),
    (b"qoif", "image", "image/qoi"),
    (b"8BPS\0", "image", "image/vnd.adobe.photoshop"),
    (b"DDS |\0\0\0", "image", "image/vnd.ms-dds"),
    (b"v/1\1", "image", "image/x-exr"),
    (b"\0\0\1\xba", "video", "video/mpeg"),
    (b"\0\0\1\xb3", "video", "video/mpeg"),
    (b"\0\0\1\xb0", "video", "video/mp4v-es"),
    (b"FLV\1", "video", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video", "video/x-ms-asf"),
    (b"\x06\x0e\x2b\x34", "video", "application/mxf"),
    (b"DKIF\0\0", "video", "video/x-ivf"),
    (b"YUV4MPEG2 ", "video", "video/x-yuv4mpeg"),
    (b"\x12\0\x0a", "video", "video/av1"),
    (b"\x1f\x07\0\x3f", "video", "video/x-dv"),
    (b"\x1f\x07\0\xbf", "video", "video/x-dv"),
    (b".RMF\0\0\0", "video", "application/vnd.rn-realmedia"),
    (b"nut/multimedia container\0", "video", "video/x-nut"),
    (b"fLaC", "audio", "audio/flac"),
    (b"#!AMR", "audio", "audio/amr"),
    (b"\x0b\x77", "audio", "audio/ac3"),
    (b"\x7f\xfe\x80\1", "audio", "audio/vnd.dts"),
    (b"caff\0\1", "audio", "audio/x-caf"),
    (b".snd\0\0", "audio", "audio/basic"),
    (b"wvpk", "audio", "audio/x-wavpack"),
    (b"TTA1\1\0", "audio", "audio/x-tta"),
    (b"MThd\0\0\0\6", "audio", "audio/midi"),
    (b"riff\x2e\x91\xcf\x11", "audio", "audio/x-w64"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document", "application/x-ole-storage"),
    (b"{\\rtf", "document", "application/rtf"),
    (b"%!PS", "document", "application/postscript"),
    (b"\xc5\xd0\xd3\xc6", "document", "application/postscript"),
    (b"PK\5\6", "archive", "application/zip"),
    (b"PK\7\x08PK", "archive", "application/zip"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "application/x-7z-compressed"),
    (b"Rar!\x1a\7", "archive", "application/vnd.rar"),
    (b"\x1f\x8b", "archive", "application/gzip"),
    (b"\x1f\x9d", "archive", "application/x-compress"),
    *((b"BZh%d1AY&SY" % level, "archive", "application/x-bzip2") for level in range(1, 10)),
    (b"\xfd7zXZ\0", "archive", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "archive", "application/zstd"),
    (b"\4\x22\x4d\x18", "archive", "application/x-lz4"),
    (b"MSCF\0\0\0\0", "archive", "application/vnd.ms-cab-compressed"),
    (b"!<arch>\n", "archive", "application/x-archive"),
)
"""What a file begins with. First match."""

DISTANT_SIGNATURES: tuple[tuple[int, bytes, Kind, str], ...] = (
    (257, b"ustar", "archive", "application/x-tar"),
    (32_769, b"CD001", "archive", "application/x-iso9660-image"),
)
"""What stands further in: place, bytes, kind, media type."""

RIFF_FORMS: dict[bytes, tuple[Kind, str]] = {
    b"AVI ": ("video", "video/x-msvideo"),
    b"WAVE": ("audio", "audio/wav"),
    b"WEBP": ("image", "image/webp"),
}

ISO_BRANDS: dict[bytes, tuple[Kind, str]] = {
    b"heic": ("image", "image/heic"),
    b"heix": ("image", "image/heic"),
    b"heim": ("image", "image/heic"),
    b"heis": ("image", "image/heic"),
    b"hevc": ("image", "image/heic"),
    b"hevx": ("image", "image/heic"),
    b"avif": ("image", "image/avif"),
    b"avis": ("image", "image/avif"),
    b"mif1": ("image", "image/heif"),
    b"msf1": ("image", "image/heif"),
    b"mif2": ("image", "image/heif"),
    b"crx ": ("image", "image/x-canon-cr3"),
    b"M4A ": ("audio", "audio/mp4"),
    b"M4B ": ("audio", "audio/mp4"),
    b"qt  ": ("video", "video/quicktime"),
    b"3gp4": ("video", "video/3gpp"),
    b"3gp5": ("video", "video/3gpp"),
    b"3g2a": ("video", "video/3gpp2"),
}
"""Brands of an ISO base media file; the major one counts, of `heif` also the others."""

OFFICE_PARTS = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
"""Folders in a ZIP that make it an office document."""
