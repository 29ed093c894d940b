"""A SIMULATED bank as a real HTTP server: it takes pain.001 and issues camt.053.

No bank works like this in every detail; the message formats are written from banks.md
1.1 and 2.1, the HTTP around them is this simulation's own. Every answer that names the
bank says "(simulated)". All requests carry `Authorization: Bearer KEY`; refusals are
plain text: 400 unreadable, 401 key, 404 unknown, 409 contradiction, 411, 413 (above
5 MB), 503. All amounts in JSON and on the command line are whole minor units.

    POST /payments              pain.001.001.03 to .11 → 200, pain.002.001.10
    GET  /payments/ENDTOENDID   pain.002 of one order: ACCP, ACSC, RJCT; 404 never received
    GET  /statements?account=N[&after=NAME]   JSON list, oldest first:
                                {"name", "account", "currency", "sequence"}
    GET  /statements/NAME       camt.053.001.08, the same bytes for ever
    POST /accounts              {"number", "currency", "holder", "opening"[, "first_sequence"]}
                                → 201; 200 if it is there alike; 409 if it differs
    POST /control/close         issues what was booked since the last statements → names
    POST /control               one switch, see below
    GET  /truth                 everything the bank knows, as JSON

PAYMENTS. The pain.002 says ACCP for what is accepted; the group is ACTC, PART or RJCT.
What is refused, and with which code, stands in `judging`. MsgId and EndToEndId are
remembered for ever: the same bytes get the first answer again, a MsgId with other bytes
is DU01, an EndToEndId used before is DU04, even if it was refused then. Funds are the
booked balance less what is accepted and not booked (AM04). Orders are booked at once or
after --books-after seconds, and not before their ReqdExctnDt. Each becomes an entry of
its own; with BtchBookg true, the accepted orders of a block are one entry with details.
An entry quotes EndToEndId, InstrId, creditor, account and Ustrd as sent, under a
reference of the bank (`SO…`); the order's own reference (`SP…`) is in the pain.002 too.

STATEMENTS are issued by /control/close and every --closes-every seconds, for accounts
on which something was booked: opening = last closing (first: the account's opening),
ElctrncSeqNb counts on from `first_sequence`, several a day are normal, and a period is
the booking days of its entries. Days are the bank's (UTC+8).

SWITCHES, one in each POST /control:

    {"reject": PART, "code": "AC04"}   orders whose creditor or account holds PART are
                               RJCT from now on; "code": null takes it back
    {"lose_answers": N}        the next N POST /payments take effect, then the line breaks
    {"ignore": N}              the next N are dropped unread, and the line breaks
    {"refuse_service": N}      the next N requests of /payments or /statements get 503
                               with Retry-After: 1
    {"return": ENDTOENDID[, "code", "reason"]}   a booked order comes back (提现退票): a
                               credit with its EndToEndId and RtrInf, once
    {"credit": {"account", "amount", "payer"[, "text", "end_to_end_id", "payer_account"]}}
                               money arrives; "text" is one Ustrd or a list of them

A returned order stays ACSC, the credit tells of it. That credit names the payee as
debtor, as on any other credit line; how real banks fill the parties of a returned
transfer, and its BkTxCd (here PMNT/ICDT/RRTN), is unconfirmed.

STATE is SQLite in DIR, one process at a time: what was answered survives kill -9, the
switches and numbers too. DIR/address holds the address once it listens. SIGTERM ends
it; a request under way then is done or not done, like with any broken line.

    python -m sandbox.online_bank --state DIR --key KEY [--port 0] [--host 127.0.0.1]
        [--account NUMBER:CURRENCY:OPENING:HOLDER …] [--books-after S] [--closes-every S]

In Python: `with running(state=DIR, accounts=[…]) as bank:` gives `bank.url`.
"""

from sandbox.online_bank.process import BankDidNotStartError, RunningBank, running

__all__ = ["BankDidNotStartError", "RunningBank", "running"]
