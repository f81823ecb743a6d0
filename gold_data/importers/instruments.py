"""Tells from symbol, class, currency and multiplier what was traded, and whether gold can be made of it.

Class shares have one name here, `BRK.B`, whether a platform writes `BRK B`, `BRK/B` or `BRK-B`.
"""

import re
from collections.abc import Mapping

from gold_data.importers.faults import NotATradeError
from gold_data.importers.numerals import read_number
from gold_data.markets import CONTRACTS
from gold_data.sessions import EXCHANGE, Market

DOLLARS, FOREIGN_SIGNS = "USD", "\u20ac\u00a3\u00a5"
_CURRENCIES = (
    *("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "HKD", "SGD", "CNH", "CNY", "MXN"),
    *("ZAR", "PLN", "CZK", "HUF", "TRY", "ILS", "INR", "KRW", "RUB", "THB", "BRL"),
    *("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "BCH", "DOT", "AVAX", "LINK", "UNI", "SHIB", "USDT", "USDC"),
    *("BNB", "XLM", "TRX"),
    *("XAU", "XAG", "XPT", "XPD"),
)
_CLASS_SHARE = re.compile(r"([A-Z]{1,5})[ ./-]([A-Z])")
_AMERICAN = re.compile(r"^(?:NASDAQ|NYSE|NYSEARCA|ARCA|AMEX|BATS|CBOE|US):(?=[A-Z])|(?<=[A-Z])\.US$")
_OPTION = re.compile(
    r"[A-Z./]{1,6} *[0-9]{6}[CP][0-9]{8}"  # the Options Clearing Corporation's 21 characters
    r"|[.-]?(?:O:)?[A-Z]{1,6} ?[0-9]{6}[CP][0-9.]{1,8}"  # thinkorswim, Fidelity, Schwab, Polygon
    r"|[A-Z.]{1,6} [0-9]{1,2}[A-Z]{3}[0-9]{2} [0-9.]+ [CP]"  # Interactive Brokers
    r"|[A-Z.]{1,6} [0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4} .+"  # Schwab, Robinhood: SPY 01/09/2026 690.00 C
    r"|[A-Z./]{1,6} .*[0-9].* ?(?:C|P|CALL|PUT)"  # in words: SPY JAN 9 2026 690 CALL
)
_PAIR = re.compile(  # brokers put words of their own behind: EURUSD.m, EURUSDpro, BTC/USDT:USDT
    rf"({'|'.join(_CURRENCIES)})[./_-]?({'|'.join(_CURRENCIES)})(?:[.:#_+!-]?[A-Z0-9]*[.#+!-]?)"
)

_STOCK_WORDS = {"", "stk", "stock", "stocks", "etf", "etfs", "equity", "us_equity", "common stock", "adr", "fund"}
_OPTION_WORDS = {
    *("opt", "option", "options", "us_option", "call", "put", "fop", "futures options", "options on futures"),
    *("equity and index options", "option on futures", "iopt", "war", "warrant", "warrants"),
}
_FUTURES = CONTRACTS  # calendars of exchanges on which no shares are traded
_HOME = {
    *("", "NYSE", "NASDAQ", "ARCA", "AMEX", "BATS", "IEX", "NYSEARCA", "NYSEAMER", "ISLAND", "PINK", "OTC", "OTCBB"),
    *("ARCAEDGE", "OTCLNKECN", "NMS", "SCM", "NGS", "NGM", "NCM", "NASDAQ.NMS", "NASDAQ.SCM", "CBOE", "MEMX", "LTSE"),
    *("VALUE", "CORPACT", "NYSENAT", "BYX", "EDGX", "EDGA", "BEX", "PHLX", "PSX", "CHX", "DRCTEDGE", "SMART"),
}


def name_ticker(symbol: str) -> str:
    """Give a ticker as gold names it: capitals, no exchange before, no country after, class shares with a point."""
    ticker = _AMERICAN.sub("", " ".join(symbol.upper().split()))
    share = _CLASS_SHARE.fullmatch(ticker)
    return f"{share[1]}.{share[2]}" if share else ticker


def trades_shares_only(market: Market) -> bool:
    """Tell whether a market is that of shares of American exchanges, in dollars."""
    return market.calendar == EXCHANGE


def refuse_other_kinds(ticker: str, market: Market) -> None:
    """Refuse symbols that by their form are options, and where only shares are traded pairs of currencies or coins.

    Raises:
        NotATradeError: `not_a_stock`.
    """
    if _OPTION.fullmatch(ticker):
        raise NotATradeError("not_a_stock", f"{ticker} (an option)")
    pair = _PAIR.fullmatch(ticker)
    if pair and pair[1] != pair[2] and trades_shares_only(market):
        raise NotATradeError("not_a_stock", f"{ticker} (a pair of currencies)")


def refuse_foreign_sign(ticker: str, price: str, market: Market) -> None:
    """Refuse prices with the sign of another currency, where shares are traded in dollars.

    Raises:
        NotATradeError: `other_currency`.
    """
    sign = next((sign for sign in price if sign in FOREIGN_SIGNS), None)
    if sign is not None and trades_shares_only(market):
        raise NotATradeError("other_currency", f"{ticker} at {price.strip()}")


def refuse_asset(ticker: str, asset: str, market: Market) -> None:
    """Refuse what by the log's own word for its class is not traded on the declared market, or is an option.

    Raises:
        NotATradeError: `not_a_stock` or `not_of_the_market`.
    """
    word = asset.casefold().partition(" - ")[0]  # `Stocks - Held with Interactive Brokers (U.K.)`
    if (trades_shares_only(market) and word not in _STOCK_WORDS) or word in _OPTION_WORDS:
        raise NotATradeError("not_a_stock", f"{ticker} {asset}".strip())
    if word and word in _STOCK_WORDS and market.calendar in _FUTURES:
        raise NotATradeError("not_of_the_market", f"{ticker} {asset}: {market.name} trades no shares")


def refuse_other_books(cells: Mapping[str, str], market: Market) -> None:
    """Refuse what a broker's own columns say is not traded on the declared market.

    Of American exchanges that is all but shares in dollars; of others the market is the trader's word.

    Args:
        cells: Text of `ticker`, and as far as the file has them of `asset`, `currency`, `exchange` and `multiplier`.
        market: The declared market of the ticker.

    Raises:
        NotATradeError: `not_a_stock`, `not_of_the_market`, `other_currency` or `other_exchange`.
    """
    ticker = cells.get("ticker", "")
    refuse_asset(ticker, cells.get("asset", ""), market)
    if not trades_shares_only(market):
        return
    multiplier = cells.get("multiplier", "")
    if multiplier and read_number(multiplier, ".") != 1:
        raise NotATradeError("not_a_stock", f"{ticker} (multiplier {multiplier})")
    currency = cells.get("currency", "").upper()
    if currency not in ("", DOLLARS):
        raise NotATradeError("other_currency", f"{ticker} in {currency}")
    exchange = cells.get("exchange", "").upper()
    if exchange not in _HOME:
        raise NotATradeError("other_exchange", f"{ticker} listed at {exchange}")
