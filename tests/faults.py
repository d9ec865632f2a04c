"""The table of faults: every way in which input, disk, processes or surroundings go wrong, and what must happen then.

A test names the rows it proves with ``@pytest.mark.row("A1")``; one that is parametrized with objects that have a
``row`` names theirs. `tests/FAULTS.md` is made from this table and lists the tests of each row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One row.

    Parameters
    ----------
    row
        A letter for the section, then a number that counts through all sections.
    fault
        What is wrong, or unusual.
    answer
        What must happen.
    not_applicable
        Why there is nothing to test; empty for every row that must have a test.
    """

    row: str
    fault: str
    answer: str
    not_applicable: str = ""


SECTIONS = {
    "A": "The annotation file",
    "B": "Images and ids",
    "C": "Boxes",
    "D": "Masks and crowds",
    "E": "File names",
    "F": "Inside an image file",
    "G": "Proposals",
    "H": "Options",
    "I": "The output folder",
    "J": "Processes",
    "K": "Same input, same bytes",
}

FAULTS = (
    Fault("A1", "missing, a folder, unreadable, a pipe, a device", "refused by its path at once, never waited for"),
    Fault("A2", "empty, cut short, more behind its end", "refused with line and column"),
    Fault("A3", "in another encoding than UTF-8", "refused as that; a byte-order mark is forgiven"),
    Fault("A4", "no object, or a section is missing or no list", "refused by the section; detections get a hint"),
    Fault("A5", "a key twice in one object", "refused: a reader of JSON would keep the last one without a word"),
    Fault("A6", "NaN, Infinity, 1e999", "refused in sizes and ids, skippable in boxes and masks, harmless elsewhere"),
    Fault("A7", "nesting without end, integers of thousands of digits", "refused in one line, without a traceback"),
    Fault("A8", "an entry that is no object", "refused by its position"),
    Fault("A9", "more bytes than `--max-json-bytes`", "refused before any of it is read"),
    Fault("A10", "nothing in a section", "an empty build and a remark; annotations without categories are refused"),
    Fault("B11", "an id that two images have", "refused, the id named"),
    Fault("B12", "an id that two annotations have", "refused; neither of them wins"),
    Fault("B13", "ids that are text, fractions, true, null, or missing", "refused with a hint how to write them"),
    Fault("B14", "negative ids, ids beyond 64 bits", "the first are as good as others, the second are refused"),
    Fault("B15", "an annotation of an image that is not there", "listed, or skipped"),
    Fault("B16", "an annotation of a category that is not there", "listed, or skipped"),
    Fault("B17", "categories with id 0, gaps, any order, ids or names twice", "kept; only an id twice is refused"),
    Fault("B18", "two images with one file", "a remark; chips of both, under names of their own"),
    Fault("B19", "sizes that are missing, 0, negative, fractional, text, huge", "refused; 96.0 is 96"),
    Fault("B20", "an image without annotations", "counted; may give negative chips"),
    Fault("C21", "a box that is missing or not four numbers", "refused or skipped by the annotation's id"),
    Fault("C22", "no width or no height", "skipped as `zero_area`, never covered"),
    Fault("C23", "a negative width or height", "skipped as `negative_size`"),
    Fault("C24", "over the edge of the image", "clipped and counted"),
    Fault("C25", "outside the image", "skipped as `outside`"),
    Fault("C26", "smaller than a pixel", "read; `too_small` in the ledger where nothing is left to learn"),
    Fault("C27", "larger than a chip at every scale", "`too_large` in the ledger, never silent"),
    Fault("C28", "a size exactly at an end of a range", "the lower end belongs to the range, the upper does not"),
    Fault("C29", "an `area` that is absent or contradicts the box", "sizes come from the box, area is made anew"),
    Fault("C30", "a million annotations in one image", "bounded time, memory in proportion"),
    Fault("C31", "coordinates at the end of what a float holds", "skipped before they become integers"),
    Fault("D32", "polygons of too few, odd, nested or no numbers", "the mask is skipped, the box stays"),
    Fault("D33", "polygons with NaN, Infinity or huge numbers", "the mask is skipped before any C library sees it"),
    Fault("D34", "outlines that cross themselves, lie on a line, repeat points", "mended, or the mask is skipped"),
    Fault("D35", "outlines that overlap", "together they are one mask, common area counts once; no library's error"),
    Fault("D36", "a concave outline that a chip cuts in pieces", "every piece is written"),
    Fault("D37", "what only touches the edge of a chip", "no mask there, and no box"),
    Fault("D38", "compressed runs that are damaged, cut, empty, of a wrong sum", "the mask is skipped"),
    Fault("D39", "runs that are negative, fractional, text, huge, of a wrong sum", "the mask is skipped"),
    Fault("D40", "runs of another size than the image", "the mask is skipped"),
    Fault("D41", "a crowd, as runs or as polygon", "never learnt; cut and written as a crowd"),
    Fault("D42", "`iscrowd` missing, 2, true", "missing is 0, all else is refused"),
    Fault("D43", "outlines of very many vertices or crossings", "bounded time, or the mask is skipped"),
    Fault("E44", "a name that climbs out of the image root", "nothing outside is opened"),
    Fault("E45", "an absolute name", "refused unless it leads into the root"),
    Fault("E46", "links out of the root, links in a circle", "skipped; the first allowed by `--follow-symlinks`"),
    Fault("E47", "names that are empty, too long, no text, with control characters", "skipped, shown escaped"),
    Fault("E48", "accents composed or decomposed, emoji", "exactly these bytes; a hint where the other form exists"),
    Fault("E49", "backslashes, URLs", "skipped with a hint"),
    Fault("E50", "names that differ in nothing but case", "chips are named by ids, none replaces another"),
    Fault("E51", "a pipe, socket, device or folder for an image", "skipped in no time, never waited for"),
    Fault("F52", "missing, empty, zeros, a web page", "skipped as `missing` or `unidentified`"),
    Fault("F53", "cut short, wrong checksums", "skipped as `corrupt`"),
    Fault("F54", "a JPEG that is damaged but can be decoded", "used as it decodes; the README says so"),
    Fault("F55", "another size than the dataset says", "skipped, never stretched"),
    Fault("F56", "an EXIF orientation", "turned where only that fits the dataset's size, and counted; no tag written"),
    Fault("F57", "more pixels than `--max-pixels`, decompression bombs", "skipped from the header, in bounded memory"),
    Fault("F58", "PostScript, PDF, WMF, SVG", "skipped as `unsupported`, no interpreter is started"),
    Fault("F59", "animations, several pages", "the first frame, counted"),
    Fault("F60", "grey, palettes, alpha, CMYK, YCCK", "RGB by the rules of the README; CMYK is counted"),
    Fault("F61", "more than 8 bits a channel", "skipped, neither clipped nor blackened"),
    Fault("F62", "a name with the wrong extension", "the content decides"),
    Fault("F63", "smaller than a chip, one pixel, a long line", "one chip, never empty"),
    Fault("F64", "changed or gone after planning", "as if it had never been right; other chips stay as they are"),
    Fault("G65", "a pickle", "refused, or read without running anything in it"),
    Fault("G66", "cut short, bombs, headers that claim terabytes", "refused, in bounded memory"),
    Fault("G67", "proposals of images that are not there", "counted, not used"),
    Fault("G68", "images without proposals", "counted; no negative chips there"),
    Fault("G69", "boxes with NaN or negative sizes, outside or over the edge", "refused, skipped, or clipped"),
    Fault("G70", "empty files, arrays of other shapes or types", "no proposals are fine, all else is refused"),
    Fault("G71", "no scores, NaN, any order, ties", "order of the file decides where scores do not; NaN is a fault"),
    Fault("G72", "a hundred thousand in one image, duplicates", "bounded time and memory"),
    Fault("G73", "corners taken for sizes, inclusive ends", "the format is declared; a wrong one is suspected aloud"),
    Fault("H74", "scales that are none, 0, NaN, twice", "refused; any order is fine"),
    Fault("H75", "ranges upside down, or not one for each scale", "refused"),
    Fault("H76", "a gap between ranges", "named, with the number of annotations lost in it"),
    Fault("H77", "chips larger than the image at every scale", "the whole image, padded or short"),
    Fault("H78", "a stride of 0, below 0, above the chip size", "refused; a wide one is a remark, and covers all"),
    Fault("H79", "numbers and choices that cannot be meant", "refused by the option's name"),
    Fault("H80", "unknown options and keys", "refused with the nearest name"),
    Fault("H81", "output among or over the input", "refused before anything is written"),
    Fault("I82", "the folder does not exist, or is empty", "made, one missing parent included"),
    Fault("I83", "the folder holds files of others", "exit 4, nothing touched"),
    Fault("I84", "the same build is finished there", "exit 0 at once, nothing written"),
    Fault("I85", "a build of other input or options is there", "exit 4 with the first difference; never mixed"),
    Fault("I86", "a build that crashed is there", "the same command finishes it"),
    Fault("I87", "its record of finished shards is lost or damaged", "not trusted: shards are made again, aloud"),
    Fault("I88", "a shard is cut, changed or deleted by hand", "made again, or named when verified"),
    Fault("I89", "no permission to write", "exit 1 before anything is planned"),
    Fault("I90", "the disk is full or fails, at any operation", "exit 1 in one line; nothing bad under a final name"),
    Fault("I91", "two runs at once", "exit 4 for the second; free again when the first has died"),
    Fault("I92", "the folder is removed or replaced meanwhile", "exit 1"),
    Fault("I93", "too many open files, a path too long", "exit 1 in one line"),
    Fault("I94", "Parquet cut at any byte", "never under a final name; named when verified"),
    Fault("I95", "somebody reads the folder, during or after the run", "sees chips only"),
    Fault("J96", "a worker is killed or crashes", "its shards are made again, three times at most"),
    Fault("J97", "a worker runs out of memory", "exit 1 with the shard's name, and what to lower; then resumed"),
    Fault("J98", "the program is killed at any moment", "its workers end and publish nothing; then resumed"),
    Fault("J99", "Ctrl-C, once or twice", "exit 130 after the commit in hand, at once the second time; then resumed"),
    Fault("J100", "SIGTERM", "the same with exit 143"),
    Fault("J101", "whoever reads stdout goes away", "quiet; the output is what it would be"),
    Fault("J102", "the power fails and loses what was not synced", "the manifest is never ahead of its shards"),
    Fault("J103", "no fork, no shared memory", "built all the same"),
    Fault("K104", "1, 2, 4 or 8 workers", "not a byte differs"),
    Fault("K105", "another order of sets and dicts", "not a byte differs"),
    Fault("K106", "locale, time zone, clock, umask, current folder, how paths are written", "not a byte differs"),
    Fault("K107", "the JSON in another order", "the same chips and tables; only its digest differs"),
    Fault("K108", "interrupted again and again", "in the end not a byte differs"),
    Fault("K109", "the seed", "decides all choices, is recorded; an image chooses the same whatever others there are"),
    Fault("K110", "other versions of Python and numpy, other processors", "the same plan to the last bit"),
)
