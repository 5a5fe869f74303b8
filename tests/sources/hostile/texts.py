"""Hostile delimited text, MT940 and BAI2: lines without an end, quotes without an end, NUL, other encodings."""

from __future__ import annotations

from tests.sources.hostile.case import BANK, MB, RATES, Hostile, Repeated, holding, parts
from tests.sources.landing_zone import RATE_HEADER

HEADER, RATE = f"{RATE_HEADER}\n".encode(), b"EUR,USD,2026-03-02,1.08\n"
QUOTED = b'EUR,"USD,2026-03-02,1.08\n'
CSV = HEADER + RATE

_COLUMNS = b"".join(b",c%d" % i for i in range(10_000))
_WIDE = HEADER[:-1] + _COLUMNS[: _COLUMNS.index(b",c9996")] + b"\n"

DELIMITED = (
    Hostile("line.csv", RATES, parts(CSV, Repeated(b"x", 100 * MB), b"\n", RATE), "line is longer than", 2, 1),
    Hostile("one-line.csv", RATES, parts(Repeated(b"x", 100 * MB)), "header line cannot be read: The line is longer"),
    Hostile("quotes.csv", RATES, parts(CSV, Repeated(b'"', 100 * MB), b"\n", RATE), "line is longer than", 2, 1),
    Hostile(
        "open.csv",
        RATES,
        parts(CSV, QUOTED, Repeated(RATE, 5 * MB)),
        "quoted field .* not end properly",
        5 * MB // len(RATE) + 1,
        1,
    ),
    Hostile("all-open.csv", RATES, parts(CSV, QUOTED * 50_000), "quoted field .* not end properly", 1, 50_000),
    Hostile("quote-lines.csv", RATES, parts(CSV, (b'"' * 999 + b"\n") * 5_000), "not end properly", 1, 5_000),
    Hostile(
        "long-quoted.csv",
        RATES,
        parts(CSV, b'EUR,"', (b"x" * 1000 + b"\n") * 20_000, b'",1,1\n'),
        "not end properly",
        1,
        20_001,
    ),
    Hostile("repeated.csv", RATES, holding(b"c," * (MB // 2)), "columns, the limit is 10,000"),
    Hostile("wide.csv", RATES, parts(_WIDE, (RATE[:-1] + b"," * 9_996 + b"\n") * 500), "unknown columns", 500, 0),
    Hostile("name.csv", RATES, holding(b'"' + b"x" * 200_000 + b'",b\n'), "header line cannot be read: field larger"),
    Hostile("nul.csv", RATES, holding(CSV + b"EUR,U\0D,2026-03-02,1\n" + RATE), "holds a NUL byte", 2, 1),
    Hostile("nuls.csv", RATES, parts(Repeated(b"\0", 100 * MB)), "header line cannot be read"),
    Hostile("blank.csv", RATES, parts(CSV, Repeated(b"\n", MB)), "", 1, 0),
    Hostile("cr.csv", RATES, holding(CSV.replace(b"\n", b"\r")), "bare carriage return"),
    Hostile("utf-16.csv", RATES, holding(CSV.decode().encode("utf-16")), "", 1, 0),
    Hostile("utf-32.csv", RATES, holding(CSV.decode().encode("utf-32")), "", 1, 0),
    Hostile("utf-16-le.csv", RATES, holding(CSV.decode().encode("utf-16-le")), "record holds a NUL byte"),
    Hostile("utf-16-be.csv", RATES, holding(CSV.decode().encode("utf-16-be")), "record holds a NUL byte"),
    Hostile("latin.csv", RATES, holding(CSV + b"EUR,\xe9,2026-03-02,1\n"), "Byte 0xe9 .* is not utf-8", 1, 1),
    Hostile(
        "wrong.csv",
        RATES,
        parts(HEADER, Repeated(b"EUR,USD,2026-13-02,1.08\n", 24 * MB // 10)),
        "rate_date '2026-13-02' is no date",
        0,
        100_000,
    ),
)

MESSAGE = b":20:REF\n:25:20070000/0202051000\n:28C:00042/00001\n:60F:C260301EUR1000,00\n"
LINE = b":61:2603020302C5,25NTRFNONREF//1\n:86:x"
MESSAGE_END = b"\n:62F:C260302EUR1005,25\n-\n"
_MT940 = MESSAGE + LINE + MESSAGE_END

SWIFT = (
    Hostile("line.sta", BANK, parts(MESSAGE, LINE, Repeated(b"x", 100 * MB), MESSAGE_END), "longer than 65,536", 0, 1),
    Hostile("lines.sta", BANK, parts(MESSAGE, LINE, (b"x" * 60 + b"\n") * 100_000, MESSAGE_END), "longer than", 0, 1),
    Hostile("one-line.sta", BANK, parts(Repeated(b"x", 100 * MB)), "holds no MT940 or MT942 message"),
    Hostile(
        "amount.sta",
        BANK,
        parts(MESSAGE, b":61:2603020302C", Repeated(b"5", 100 * MB), b",\n", MESSAGE_END),
        "longer than 65,536",
        0,
        1,
    ),
    Hostile("many.sta", BANK, parts(MESSAGE, b":61:\n" * 50_000, MESSAGE_END), "has not the form", 0, 50_000),
    Hostile("colons.sta", BANK, parts(MESSAGE, b":\n" * 200_000, LINE, MESSAGE_END), "", 1, 0),
    Hostile("dashes.sta", BANK, parts(MESSAGE, LINE, b"\n-" * 200_000, MESSAGE_END), "longer than 65,536", 0, 1),
    Hostile("no-end.sta", BANK, parts(Repeated(MESSAGE, 10 * MB)), "has no closing balance"),
    Hostile(
        "subfields.sta", BANK, parts(MESSAGE, (LINE + b"166" + b"?20x" * 15_000 + b"\n") * 20, MESSAGE_END), "", 20, 0
    ),
    Hostile("spaces.sta", BANK, parts(MESSAGE, (LINE + b" " * 60_000 + b"\n") * 20, MESSAGE_END), "", 20, 0),
    Hostile("nul.sta", BANK, holding(MESSAGE + LINE + b"\0" + MESSAGE_END), "holds a NUL byte", 0, 1),
    Hostile("utf-16.sta", BANK, holding(_MT940.decode().encode("utf-16")), "UTF-16|no MT940"),
    Hostile("utf-32.sta", BANK, holding(_MT940.decode().encode("utf-32")), "UTF-32|no MT940"),
    Hostile("latin.sta", BANK, holding(MESSAGE + LINE + b"\xe9" + MESSAGE_END), "bytes that are no utf-8", 0, 1),
)

REPORT = b"01,BANK,RCV,260303,0600,1,,,2/\n02,RCV,BANK,1,260302,2359,EUR,2/\n03,0202051000,,015,100000,,/\n"
ENTRY = b"16,195,10025,V,260302,,1,2,t\n"
REPORT_END = b"49,110025,3/\n98,110025,1,5/\n99,110025,1,7/\n"
_BAI2 = REPORT + ENTRY + REPORT_END

BAI2 = (
    Hostile(
        "line.bai2", BANK, parts(REPORT, ENTRY[:-1], Repeated(b"x", 100 * MB), b"\n", REPORT_END), "line 4 is longer"
    ),
    Hostile("fields.bai2", BANK, parts(REPORT, ENTRY[:-1], Repeated(b",", 100 * MB), REPORT_END), "line 4 is longer"),
    Hostile("one-line.bai2", BANK, parts(Repeated(b"x", 100 * MB)), "Line 1 begins with no record code"),
    Hostile("goes-on.bai2", BANK, parts(REPORT, ENTRY, Repeated(b"88,x\n", 20 * MB), REPORT_END), "line 4 is longer"),
    Hostile(
        "days.bai2", BANK, holding(REPORT + b"16,195,10025,D,999999999,1,1/\n" + REPORT_END), "over more days", 0, 1
    ),
    Hostile(
        "amount.bai2", BANK, holding(REPORT + b"16,195," + b"9" * 100_000 + b"/\n" + REPORT_END), "no whole number"
    ),
    Hostile("many.bai2", BANK, parts(REPORT, ENTRY * 50_000, REPORT_END), "total 110025, where its records have"),
    Hostile("blank.bai2", BANK, parts(REPORT, ENTRY, Repeated(b"\n", MB), REPORT_END), "", 1, 0),
    Hostile("nul.bai2", BANK, holding(REPORT + b"16,195,10025,V,260302,,1,2,\0\n" + REPORT_END), "NUL byte", 0, 1),
    Hostile("utf-16.bai2", BANK, holding(_BAI2.decode().encode("utf-16")), "UTF-16|not utf-8"),
    Hostile("utf-32.bai2", BANK, holding(_BAI2.decode().encode("utf-32")), "UTF-32|not utf-8"),
    Hostile("latin.bai2", BANK, holding(REPORT + ENTRY[:-1] + b"\xe9\n" + REPORT_END), "is not utf-8"),
    Hostile("no-end.bai2", BANK, holding(REPORT + ENTRY), "without its file trailer"),
)
