from fairlead.dataplane import trust_store


def test_the_file_that_the_environment_names_counts(tmp_path):
    chosen = tmp_path / "authorities.pem"
    chosen.write_text("any")
    assert trust_store.find({"SSL_CERT_FILE": str(chosen)}) == str(chosen)


def test_an_empty_or_missing_file_is_no_trust_store(tmp_path):
    empty = tmp_path / "authorities.pem"
    empty.touch()
    assert not trust_store.find({"SSL_CERT_FILE": str(empty)})
    assert not trust_store.find({"SSL_CERT_FILE": str(tmp_path / "missing")})


def test_the_usual_places_are_tried_in_order(tmp_path, monkeypatch):
    places = [tmp_path / name for name in ("first", "second", "third")]
    for place in places[1:]:
        place.write_text("any")
    monkeypatch.setattr(trust_store, "PLACES", tuple(map(str, places)))
    assert trust_store.find({}) == str(places[1])
