"""Numbers as the simulated parties print them: order, flow, payout and bank references."""

from __future__ import annotations

import re
from datetime import date
from random import Random


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN whose check digits hold (ISO 13616, modulo 97)."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def digits(rng: Random, count: int) -> str:
    """`count` random decimal digits."""
    return f"{rng.randrange(10**count):0{count}d}"


def transaction_id(rng: Random, day: date) -> str:
    """微信支付订单号, 28 digits: `4200` + 6 + yyyymmdd + 10 (shape of the public samples)."""
    return f"4200{digits(rng, 6)}{day:%Y%m%d}{digits(rng, 10)}"


def refund_id(rng: Random, day: date) -> str:
    """微信支付退款单号, 29 digits: `5030` + 6 + yyyymmdd + 11 (shape of the public samples)."""
    return f"5030{digits(rng, 6)}{day:%Y%m%d}{digits(rng, 11)}"


def flow_no(rng: Random, mchid: str, day: date) -> str:
    """资金流水单号, 28 digits: mchid + yyyymmdd + 10 (shape of the official example)."""
    return f"{mchid}{day:%Y%m%d}{digits(rng, 10)}"


def withdrawal_no(rng: Random, day: date) -> str:
    """微信支付业务单号 of a 提现 row, 28 digits.

    No public sample shows one, so the shape is this sandbox's: `10` + 8 random + day + 10.
    The random part comes early, so that a bank which cuts the number after 16
    characters still leaves something that names one payout only.
    """
    return f"10{digits(rng, 8)}{day:%Y%m%d}{digits(rng, 10)}"


def alipay_trade_no(rng: Random, day: date) -> str:
    """业务流水号, 28 digits: yyyymmdd + `2200` + 16 (shape of a public notify's trade_no)."""
    return f"{day:%Y%m%d}2200{digits(rng, 16)}"


def taobao_order(rng: Random) -> str:
    """Taobao's order number (tid), 19 digits (shape of the reference's `T200P` example)."""
    return f"5{digits(rng, 18)}"


def pinduoduo_order(rng: Random, day: date) -> str:
    """Pinduoduo's order number: yymmdd, a hyphen, 15 digits."""
    return f"{day:%y%m%d}-{digits(rng, 15)}"


def trade_no(rng: Random, stamp: str, prefix: str = "S") -> str:
    """The shop's own order number: letter + yyyymmddHHMMSS + 6."""
    return f"{prefix}{stamp}{digits(rng, 6)}"


def end_to_end_id(rng: Random, day: date) -> str:
    """The payer's own transfer number; says nothing about the payout."""
    return f"TP{day:%Y%m%d}{digits(rng, 12)}"
