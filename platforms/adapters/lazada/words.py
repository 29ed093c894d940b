"""Lazada's fee types (`fee_type` of a transaction's detail) and the words of the wallet.

Source: the vendor's table "queryTransactionDetails fee_type field enum list"
(platforms-global.md §11). A number means one fee in every country, where its name is
translated. What the table names but does not explain (PayLater, utility payments,
"CB FBL" deductions, advertising credit, tests) is left out: it is UNKNOWN until a
live account shows what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind

_FEES: Final[Mapping[LineKind, str]] = {
    # Item Price (Credit), Presale Deposit (of the buyer).
    LineKind.SALE: "13 212 501",
    # Their reversals.
    LineKind.REFUND: "14 213 505",
    # Paid by Lazada, and taken back with a return: incentives, subsidies, bonuses.
    LineKind.SUBSIDY: (
        "44 45 59 107 108 157 158 211 317 331 500 502 503 504 512 "
        "1061 1063 1065 1071 1072 1081 1083 1085"
    ),
    # Charged, collected from the buyer, corrected and reversed; storage and handling too.
    LineKind.SHIPPING: (
        "7 8 21 22 26 27 28 34 35 42 43 46 49 52 53 124 127 129 130 132 134 135 141 142 143 "
        "159 160 161 200 238 254 255 256 279 291 297 308 309 310 311 312 313 314 315 316 "
        "332 333 334 335 336 337 338 339 340 518 519 520 "
        "1027 1028 1029 1030 1031 1032 1033 1034 1035 1036 1037 1038"
    ),
    # Commission, payment, instalment and service fees, with their corrections.
    LineKind.COMMISSION: (
        "3 4 15 16 20 23 25 29 65 66 67 84 109 114 123 128 221 222 227 237 "
        "274 275 277 278 286 341 344 371 372 513 514 700 1040 1041"
    ),
    # Sponsored products, promotions that the seller funds, and their reversals.
    LineKind.ADVERTISING: (
        "112 117 118 119 120 121 122 202 203 208 209 210 239 240 248 249 250 259 260 262 264 "
        "276 285 289 290 296 298 299 304 305 306 307 322 323 328 343 "
        "369 370 373 374 375 376 377"
    ),
    LineKind.PENALTY: (
        "54 55 60 68 69 70 71 72 73 74 75 76 77 78 79 80 81 "
        "87 88 89 90 91 92 93 94 95 96 97 98 99 100 101 102 103 365 366"
    ),
    # Withholding tax given back, import duties, import income tax, VAT of B2B imports.
    LineKind.TAX: "201 251 292 293 294",
    # SOD COD Deposit Deduction and Utilization.
    LineKind.DEPOSIT: "324 325",
    # Claims for goods lost or damaged, other credits and debits, corrections of prices.
    LineKind.ADJUSTMENT: (
        "19 24 36 37 47 48 61 62 63 64 82 83 85 104 111 115 116 125 126 140 144 145 206 207 "
        "214 215 216 217 223 224 225 226 228 229 230 231 232 233 234 252 253 261 263 265 281 "
        "295 327 329 330"
    ),
}

FEE_TYPES: Final[Mapping[str, LineKind]] = {
    code: kind for kind, codes in _FEES.items() for code in codes.split()
}

# `sub_type` in English (the values one may ask for), once in Indonesian (the vendor's
# example), and the one untranslated name of a state. A statement's settlement arrives
# in the wallet: there it is a payout that came in.
WALLET: Final[Mapping[str, LineKind]] = {
    "Settlement": LineKind.PAYOUT,
    "Failed Payment": LineKind.PAYOUT_RETURNED,
    "Returned Payment": LineKind.PAYOUT_RETURNED,
    "Auto Withdrawal": LineKind.PAYOUT,
    "Manual Withdrawal": LineKind.PAYOUT,
    "Penarikan Dana Otomatis": LineKind.PAYOUT,
    "WITHDRAWAL_INITIATED": LineKind.PAYOUT,
    "Sponsored Solutions Top-up": LineKind.ADVERTISING,
}

KINDS: Final[Mapping[str, LineKind]] = {**FEE_TYPES, **WALLET}
