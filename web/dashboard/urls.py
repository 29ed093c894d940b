"""The dashboard's addresses. Every view is behind `member_page` (see entrance.py)."""

from datetime import date

from django.urls import URLPattern, path, register_converter

from web.dashboard.views import (
    bank,
    documents,
    exceptions,
    linking,
    overview,
    payees,
    payouts,
    profile,
    sources,
    store,
    stores,
    withdraw,
    withdrawals,
)


class DayInPath:
    """A calendar day in an address: 2026-03-15."""

    regex = r"\d{4}-\d\d-\d\d"

    def to_python(self, value: str) -> date:
        """Read it; Django takes the ValueError for an address that does not exist."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        """Write it."""
        return value.isoformat()


register_converter(DayInPath, "date")

urlpatterns: list[URLPattern] = [
    path("", overview.overview, name="overview"),
    path("work/", overview.work, name="work"),
    path("stores/", stores.stores, name="stores"),
    path("stores/link/", linking.link_stores, name="link_stores"),
    path("stores/link/confirm/", linking.confirm_stores, name="confirm_stores"),
    path("stores/link/template/", linking.store_template, name="store_template"),
    path("stores/link/one/", linking.add_store, name="add_store"),
    path("stores/consent/<slug:code>/", store.end_consent, name="consent_end"),
    path("stores/<uuid:store_id>/", store.store, name="store"),
    path("stores/<uuid:store_id>/keys/", store.enter_keys, name="store_keys"),
    path("stores/<uuid:store_id>/consent/", store.begin_consent, name="store_consent"),
    path("stores/<uuid:store_id>/unlink/", store.unlink, name="store_unlink"),
    path("stores/<uuid:store_id>/days/<date:day>/", store.fetch_again, name="fetch_again"),
    path("payouts/", payouts.payouts, name="payouts"),
    path("payouts/<uuid:payout_id>/", payouts.payout, name="payout"),
    path("bank/", bank.bank_lines, name="bank_lines"),
    path("bank/<uuid:line_id>/", bank.bank_line, name="bank_line"),
    path("withdraw/", withdraw.withdraw_money, name="withdraw_money"),
    path("withdraw/quotes/<uuid:quote_id>/", withdraw.quote, name="quote"),
    path("withdrawals/", withdrawals.withdrawals, name="withdrawals"),
    path("withdrawals/export/", withdrawals.export, name="withdrawals_csv"),
    path("withdrawals/<uuid:withdrawal_id>/", withdrawals.withdrawal, name="withdrawal"),
    path(
        "withdrawals/<uuid:withdrawal_id>/cancel/",
        withdrawals.cancel,
        name="cancel_withdrawal",
    ),
    path("payees/", payees.payees, name="payees"),
    path("exceptions/", exceptions.exceptions, name="exceptions"),
    path("documents/", documents.documents, name="documents"),
    path("documents/upload/", documents.upload, name="upload"),
    path("documents/<uuid:document_id>/", documents.document, name="document"),
    path("documents/<uuid:document_id>/original/", sources.original, name="original"),
    path("documents/<uuid:document_id>/summary/", sources.summary, name="document_summary"),
    path("documents/<uuid:document_id>/rows/<int:row>/", sources.source_row, name="source_row"),
    path("documents/<uuid:document_id>/withdraw/", documents.withdraw, name="withdraw"),
    path("profile/", profile.profile, name="profile"),
    path("profile/merchant/<uuid:merchant_id>/", profile.act_for, name="act_for"),
    path("profile/account/<uuid:account_id>/", profile.look_at, name="look_at"),
]
