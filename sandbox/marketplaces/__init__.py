"""SIMULATED marketplaces as one real HTTP server: Shopify, Stripe, WeChat Pay, Alipay, Douyin.

Nothing here is a real platform, and no key works anywhere else. A caller connects to this
server's address and keeps the platform's real `Host` (`api.stripe.com`,
`yunxi-home-us.myshopify.com`, `openapi.alipay.com` …): the server routes by it. A browser
reaches a host as `/_host/NAME/path`. Every answer carries `X-Simulated: true`.

    python -m sandbox.marketplaces --seed 7 --stores 5 --days 14 --ends-on 2026-03-14
        [--port 0] [--platforms shopify,stripe] [--now 2026-03-15T12:00:00+08:00]

prints one line of JSON when it listens: `address`, `control` (the host of its own calls,
see `control`) and `stores` with their secrets by the common names of a link. The same
options make the same world, byte for byte.

WHAT IS SERVED: requests are authenticated as the platform does it and refused in its own
words; lists page as there, parameters have their limits. Nothing later than the server's
clock is shown. SIMULATED ROUGHLY: amounts and words stay within what the reference
confirms; how far a timestamp may be off at Alipay and Douyin is assumed (10 minutes);
Shopify clamps `limit` to 250; 429 is HTTP's own everywhere; WeChat Pay's and Alipay's
bills know one account each, a trade bill at WeChat Pay only of type ALL.

In Python: `with serve(make_world(…), now=…) as market:` gives `market.address`,
`market.faults`, `market.world.truth()` and `market.hook(store, event)`.
"""

from sandbox.marketplaces.directory import UnknownPlatformError, make_world
from sandbox.marketplaces.faults import Faults, UnknownFaultError
from sandbox.marketplaces.model import Movement, Payout, Store, World
from sandbox.marketplaces.sending import Mischief, send, send_all
from sandbox.marketplaces.server import Running, serve
from sandbox.marketplaces.wire import Message, UnknownEventError

__all__ = [
    "Faults",
    "Message",
    "Mischief",
    "Movement",
    "Payout",
    "Running",
    "Store",
    "UnknownEventError",
    "UnknownFaultError",
    "UnknownPlatformError",
    "World",
    "make_world",
    "send",
    "send_all",
    "serve",
]
