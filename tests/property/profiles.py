"""How many examples a property gets: `ci` few and always the same, `deep` forty times as many."""

from hypothesis import Phase, settings

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""Without `explain`, which runs a net some hundred times more than it takes to shrink it."""
DEEP = settings.default.max_examples > 100
"""Whether this is a search, which takes hours, and not a test on every change."""


def examples(count: int) -> settings:
    """`count` examples in the profile `ci`, which is set to 100; in others in proportion."""
    scaled = max(1, count * settings.default.max_examples // 100)
    return settings(max_examples=scaled, phases=PHASES)
