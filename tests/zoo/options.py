"""Sections H and I: options and configuration files that cannot be meant, output folders that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """A command line of ``chipgen build`` for the good dataset.

    Parameters
    ----------
    row, name
        Row in the table of faults, and what it is.
    arguments
        After ``--coco ann.json``; ``--scales 512`` is put before unless they name scales or leave them out on purpose.
    says
        Text expected on stderr, or on stdout when `code` is 0.
    code
        Exit code.
    config
        Content of ``config.toml``, which is then named with ``--config``.
    """

    row: str
    name: str
    arguments: tuple[str, ...]
    says: str
    code: int = 2
    config: str | None = None
    scales: bool = True

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def _scales(name: str, text: str, says: str = "--scales") -> Option:
    return Option("H74", name, ("--scales", text), says, scales=False)


def _ranges(name: str, text: str, says: str = "--valid-ranges") -> Option:
    return Option("H75", name, ("--scales", "512,256", "--valid-ranges", text), says, scales=False)


SCALES = [
    Option("H74", "missing", (), "--scales: is missing", scales=False),
    _scales("empty", ""),
    _scales("empty_token", "512,,256"),
    _scales("trailing_comma", "512,"),
    _scales("zero", "0"),
    _scales("zero_factor", "0x"),
    _scales("negative", "-512"),
    _scales("nan", "nan"),
    _scales("nan_factor", "nanx"),
    _scales("infinite", "inf"),
    _scales("float", "512.5"),
    _scales("exponent", "1e3"),
    _scales("words", "large"),
    _scales("twice", "512,512", "twice"),
    _scales("twice_written_differently", "512,0512", "twice"),
    _scales("factor_twice", "1x,1.0x", "twice"),
    _scales("longest_below_shortest", "1333x800", "swap them"),
    _scales("out_of_proportion", "2000x", "at most 1000"),
    _scales("too_large", "99999999999", "at most"),
    _scales("thousands_of_digits", "9" * 5000, "at most"),
    _scales("other_digits", "\u0665\u0661\u0662"),  # int() would read them as 512
    Option("H74", "any_order", ("--scales", "256,1x,512"), "written", 0, scales=False),
    Option("H74", "scales_and_preset", ("--preset", "sniper-coco"), "already names the scales"),
    Option("H74", "unknown_preset", ("--preset", "sniper"), "sniper-coco", scales=False),
]

RANGES = [
    _ranges("too_few", "0-80"),
    _ranges("too_many", "0-80,32-150,120-"),
    _ranges("empty", ""),
    _ranges("upside_down", "80-0,32-"),
    _ranges("of_no_length", "80-80,32-"),
    _ranges("negative", "-80-10,32-"),
    _ranges("nan", "nan-80,32-"),
    _ranges("infinite", "inf-inf,32-"),
    _ranges("words", "small,large"),
    _ranges("one_number", "80,32-"),
    Option("H76", "gap", ("--scales", "512,256", "--valid-ranges", "0-10,200-"), "no valid range holds sizes", 0,
           scales=False),
    Option("H77", "chip_above_every_scale", ("--scales", "1x", "--chip-size", "512"), "written", 0, scales=False),
]  # fmt: skip

WRONG_NUMBERS: dict[str, dict[str, tuple[str, ...]]] = {
    "H78": {"--stride": ("0", "-32", "1.5", "nan", "many")},
    "H79": {
        "--chips-per-shard": ("0", "-1", "x"),
        "--quality": ("0", "101", "-5"),
        "--workers": ("0", "-1", "1000000", "two"),
        "--chip-size": ("0", "-512", "100000", "512.5"),
        "--min-visibility": ("-0.1", "1.5", "nan"),
        "--min-box": ("-1", "nan", "513"),
        "--seed": ("-1", str(2**63), "x"),
        "--max-skipped": ("-1",),
        "--max-pixels": ("0", "-1"),
        "--max-json-bytes": ("0",),
        "--limit": ("0", "-1"),
        "--fill": ("red", "300", "1,2", "1,2,3,4", "#12345", "-1,0,0"),
        "--split": ("", "a/b", "..", "a b", "../x", "a\nb"),
        "--format": ("tfrecord", "PARQUET"),
        "--image-format": ("bmp",),
        "--ignored": ("forget",),
        "--assign": ("", "some", "ONE", "2"),
        "--resample": ("cubic",),
        "--on-error": ("ignore",),
        "--sampler": ("nobody", "no.such.module:name", "os:nothing", ""),
        "--sampler-option": ("", "=", "overlap", "overlap=0.5"),
        "--placement": ("left", "", "center"),
    },
}

NUMBERS = [
    Option(row, f"{option.strip('-')}_{value!r}", (option, value), option)
    for row, wrong in WRONG_NUMBERS.items()
    for option, values in wrong.items()
    for value in values
]

NAMES = [
    Option("H80", "near_option", ("--scale", "256"), "--scales"),
    Option("H80", "near_option_2", ("--worker", "2"), "--workers"),
    Option("H80", "far_option", ("--frobnicate",), "--frobnicate"),
    Option("H80", "extra_argument", ("more.json",), "more.json"),
    Option("H80", "value_missing", ("--stride",), "--stride"),
    Option("H80", "config_missing", ("--config", "nowhere.toml"), "nowhere.toml"),
    Option("H80", "config_folder", ("--config", "."), "cannot be read"),
    Option("H80", "config_unknown_key", (), "did you mean scales?", config="scale = '512'"),
    Option("H80", "config_unknown_key_far", (), "is no option", config="frobnicate = 1"),
    Option("H80", "config_syntax", (), "line 1", config="stride = = 3"),
    Option("H80", "config_not_utf_8", (), "cannot be read", config="\udcff"),
    Option("H80", "config_table", (), "is a table", config="[stride]\nx = 1"),
    Option("H80", "config_wrong_type", (), "stride", config="stride = 'many'"),
    Option("H80", "config_wrong_choice", (), "format", config="format = 'tfrecord'"),
    Option("H80", "config_bad_scales", (), "--scales", config="scales = 'large'", scales=False),
    Option("H80", "config_list_of_scales", (), "written", 0, config="scales = [512, 256]", scales=False),
    Option("H80", "config_overruled", ("--stride", "16"), "written", 0, config="stride = 0"),
    Option("H80", "config_with_underscores", (), "written", 0, config="chip_size = 256"),
    Option("H80", "config_flag", (), "dry run", 0, config="dry-run = true"),
    Option("H80", "config_date", (), "stride", config="stride = 2020-01-01"),
    Option("H80", "config_time_for_text", (), "scales", config="scales = 07:32:00", scales=False),
    Option("H80", "config_fraction_for_integer", (), "stride", config="stride = 1.5"),
    Option("H80", "config_true_for_integer", (), "stride", config="stride = true"),
    Option("H80", "config_infinite_integer", (), "stride", config="stride = inf"),
    Option("H80", "config_nan_integer", (), "stride", config="stride = nan"),
    Option("H80", "config_flag_is_a_word", (), "dry-run", config="dry-run = 'perhaps'"),
    Option("H80", "config_table_in_list", (), "scales", config="scales = [{a = 1}]", scales=False),
    Option("H80", "config_key_twice", (), "cannot be read", config="stride = 16\nstride = 32"),
    Option("H80", "config_names_a_config", (), "config", config="config = 'config.toml'"),
    Option("H80", "config_number_for_text", (), "written", 0, config="scales = 256", scales=False),
    Option("H80", "config_empty", (), "written", 0, config=""),
]

PLACES = [
    Option("H81", "out_is_a_file", ("--out", "ann.json"), "", 4),
    Option("H81", "out_is_the_dataset", ("--out", "."), "lies in the image folder"),
    Option("H81", "out_among_images", ("--images", "pictures", "--out", "pictures/chips"), "image folder"),
    Option("H81", "out_is_the_images", ("--images", "pictures", "--out", "pictures"), "image folder"),
    Option("H81", "images_missing", ("--images", "nowhere"), "is no folder", 1),
    Option("H81", "images_is_a_file", ("--images", "ann.json"), "is no folder", 1),
    Option("I83", "out_not_empty", ("--out", "full"), "not empty", 4),
    Option("I83", "out_not_empty_overwrite", ("--out", "full", "--overwrite"), "did not write it", 4),
    Option("I82", "out_empty", ("--out", "empty"), "written", 0),
    Option("I82", "out_too_deep", ("--out", "a/b/c/d"), "parent folders do not exist", 1),
    Option("I82", "out_below_a_file", ("--out", "ann.json/chips"), "ann.json", 1),
    Option("I82", "out_empty_name", ("--out", ""), "--out"),
]

OPTIONS = [*SCALES, *RANGES, *NUMBERS, *NAMES, *PLACES]
