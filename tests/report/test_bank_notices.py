"""Warnings about features as they stand for people's pairs: nothing that holds for banks of many responses alone."""

import numpy as np

from rmkit.measures.embedding_health import dominance_finding, repeated_finding, row_digests, scale_finding
from rmkit.report.bank_notices import of_pairs


def test_repeats_are_told_as_they_matter_for_pairs():
    finding = repeated_finding(row_digests(np.ones((10, 3), np.float16)))
    assert finding.warns
    said = of_pairs(finding.sentence)
    assert said.startswith("10 of 10 responses (100.0%) have the embedding of another response. One answer under ")
    assert "Best-of-n" not in said


def test_wide_dimensions_are_told_only_where_something_is_trained_as_published():
    spread_d = np.full(60, 0.01)
    spread_d[:2] = 50.0
    finding = dominance_finding(spread_d)
    assert finding.warns
    assert of_pairs(finding.sentence) == ""
    assert of_pairs(finding.sentence, published=True) == finding.sentence


def test_other_warnings_stay():
    sentence = scale_finding(0.0).sentence
    assert of_pairs(sentence) == sentence
