"""Only the countries that the operator allows: by default the one that the line itself is in."""

from ringback.guards.base import Allow, Decision, Facts, Refuse


def country(facts: Facts) -> Decision:
    """Refuse a number of another country, and one of no country that is known."""
    if facts.countries is None or facts.outbound.notice:
        return Allow()
    if not facts.countries:
        return Refuse(
            "country_unknown",
            "It is not known which country this line is in, so none is allowed.",
            "Tell the person: RINGBACK_COUNTRIES names the allowed countries, for example US,CA.",
        )
    region = facts.outbound.to.region
    if region in facts.countries:
        return Allow()
    return Refuse(
        "country_not_allowed",
        f"The number belongs to {region or 'no country that is known'}; allowed here: "
        f"{', '.join(sorted(facts.countries))}.",
        "Check the number with the person. The operator can allow the country: RINGBACK_COUNTRIES.",
    )
