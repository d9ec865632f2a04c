"""Kinds of image files by their first bytes: those that are read, and those that are known but not read."""

from __future__ import annotations

from chipgen.errors import UnusableError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
"""Recognised by content, whatever the file's name; none of them runs another program. MPO is read as JPEG."""

JPEG, PNG, GIF, RIFF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Little- and big-endian, and BigTIFF."""
PLAIN_MAPS = (b"P1", b"P2", b"P3")
"""Portable maps written in digits."""

READ = ((JPEG, "JPEG"), (PNG, "PNG"), (GIF, "GIF"), *((mark, "TIFF") for mark in TIFF))
"""First bytes that nothing but images has."""

NOT_READ = (
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"%PDF", "PDF"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"DDS ", "DDS"),
    (0, b"icns", "an Apple icon"),
    (0, b"\0\0\1\0", "a Windows icon"),
    (0, b"qoif", "QOI"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
)
"""Place of their mark, the mark, and the name of kinds that people have images in."""

HEAD = 32
"""Bytes that tell the kind of a file."""


def unidentified(head: bytes, hint: str = "") -> UnusableError:
    """Say what a file is that Pillow does not take for an image of our formats.

    Parameters
    ----------
    head
        Its first `HEAD` bytes.
    hint
        What is added where the kind is one that is read.
    """
    for place, mark, name in NOT_READ:
        if head[place:].startswith(mark):
            return UnusableError("unsupported", f"is {name}, which is not read; convert it to PNG or JPEG")
    for mark, name in (*READ, *([(head[:12], "WebP")] if head[:4] + head[8:12] == b"RIFFWEBP" else [])):
        if head.startswith(mark):
            return UnusableError(
                "corrupt", f"begins like {name}, but is damaged or of a rare kind that is not read{hint}"
            )
    return UnusableError("unidentified", "is no image of a known format" if head else "is empty")
