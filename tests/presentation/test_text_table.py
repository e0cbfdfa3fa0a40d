from keras_pnnh.presentation.text_table import (
    as_markdown,
    as_table,
)


def test_columns_are_aligned():
    table = as_table(["name", "n"], [["a", 1234], ["bcdef", 0.12345]])
    assert table.splitlines() == [
        "name       n",
        "a       1234",
        "bcdef  0.123",
    ]


def test_markdown_shows_numbers_in_full():
    rows = [{"name": "a", "n": 1234567}, {"name": "b", "n": None}]
    assert as_markdown(rows).splitlines() == [
        "| name | n |",
        "|---|---|",
        "| a | 1,234,567 |",
        "| b | - |",
    ]
