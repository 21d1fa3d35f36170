"""What GatewayClasses claim is what docs/features.md calls done for Gateways."""

from architecture.test_features import rows
from fairlead.translate.supported_features import SUPPORTED_FEATURES


def test_what_is_claimed_is_what_is_done():
    done = {row[0] for row in rows("North-south") if row[1] == "done"}
    assert set(SUPPORTED_FEATURES) == done
