"""What GatewayClasses claim is what docs/features.md calls done for Gateways."""

from architecture.test_features import rows
from fairlead.translate.supported_features import supported_features


def test_what_is_claimed_is_what_is_done():
    done = {row[0]: row[2] for row in rows("North-south") if row[1] == "done"}
    anywhere = {name for name, remark in done.items() if not remark.startswith("in a cluster;")}
    assert set(supported_features(standalone=True)) == anywhere
    assert set(supported_features(standalone=False)) == done.keys()
