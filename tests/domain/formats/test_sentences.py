import pytest

from newsletter.domain.formats.webpage.sentences import ends_sentence, split_lead


@pytest.mark.parametrize(
    ("lead", "rest"),
    [
        pytest.param("Talks began.", "Both sides came.", id="plain"),
        pytest.param("Talks began.", "", id="one sentence"),
        pytest.param("Talks began", "", id="no stop at all"),
        pytest.param("Did talks begin?", "Nobody knew.", id="question"),
        pytest.param("Talks began!", "Nobody knew.", id="exclamation"),
        pytest.param("Envoy of the U.S. State Department came.", "He left.", id="dotted abbreviation"),
        pytest.param("Envoy came from the U.S.", "The visit was short.", id="dotted abbreviation ends the sentence"),
        pytest.param("Clinic of Dr. Ardal reopened.", "Patients came.", id="title"),
        pytest.param("Troops under Lt. Gen. Ardal left.", "They went north.", id="two titles"),
        pytest.param("Vote was held 20 Nov. in all towns.", "It was calm.", id="month before a small letter"),
        pytest.param("Vote was held on Nov. 20 in all towns.", "It was calm.", id="month before a number"),
        pytest.param("Vote was held 20 Nov. Geneva talks went on.", "It was calm.", id="month before a name"),
        pytest.param("Vote was held 20 Nov.", "The count went on.", id="month ends the sentence"),
        pytest.param("Parliament passed Law No. 5 on ports.", "It is new.", id="number"),
        pytest.param("Parliament said no.", "It then rose.", id="no ends a sentence"),
        pytest.param("Speaker J. Smith resigned.", "He gave no reason.", id="initial"),
        pytest.param("Speaker J. R. Smith resigned.", "He gave no reason.", id="two initials"),
        pytest.param("Prices rose by 3.5 per cent.", "Wages did not.", id="decimal"),
        pytest.param("Prices rose by 3.5.", "Wages did not.", id="decimal at the end"),
        pytest.param("Talks ended in 2022.", "20 people had come.", id="a number begins the next"),
        pytest.param("1. Ports reopened.", "Ships came.", id="number of a list"),
        pytest.param("Minister spoke of “peace”.", "Rebels did not.", id="quote before the stop"),
        pytest.param("Minister said: “It is over.”", "Rebels did not.", id="quote after the stop"),
        pytest.param("Minister said: ‘It is over.’", "Rebels did not.", id="single quote"),
        pytest.param('Minister said: "It is over."', "Rebels did not.", id="straight quote"),
        pytest.param("Minister said “It is over. We won” and left.", "Rebels did not.", id="a stop within the quote"),
        pytest.param('Minister said "It is over. We won" and left.', "Rebels did not.", id="within straight quotes"),
        pytest.param("Minister said « C’est fini. »", "Rebels did not.", id="French quotes"),
        pytest.param("Ports reopened (all of them).", "Ships came.", id="bracket before the stop"),
        pytest.param("Ports reopened (see above. See below) at last.", "Ships came.", id="a stop within brackets"),
        pytest.param("(Ports reopened.)", "Ships came.", id="bracket after the stop"),
        pytest.param("Ports reopened [1].", "Ships came.", id="footnote before the stop"),
        pytest.param("Ports reopened.[1]", "Ships came.", id="footnote after the stop"),
        pytest.param("Report spoke of reforms (…) Norland needs.", "It was long.", id="left out words"),
        pytest.param("Report spoke of reforms… and more.", "It was long.", id="ellipsis within"),
        pytest.param("Report spoke of reforms...", "The rest is open.", id="ellipsis at the end"),
        pytest.param("Unclosed “quote is no trap.", "It goes on.", id="a quote that never ends"),
        pytest.param("Firm Ardal & Co. Ports Ltd. closed.", "It was old.", id="companies"),
        pytest.param("Talks (e.g. Geneva round) failed.", "It was late.", id="e.g."),
        pytest.param("他们谈判。", "然后离开。", id="Chinese"),
        pytest.param("Переговоры начались.", "Стороны приехали.", id="Russian"),
        pytest.param("هل بدأت؟", "نعم بدأت.", id="Arabic"),
        pytest.param("Talks at norland.example failed.", "It was late.", id="a name with a dot"),
    ],
)
def test_first_sentence(lead, rest):
    assert split_lead(f"{lead} {rest}") == (lead, rest)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Talks began.", True),
        ("said “over.”", True),
        ("is it?)", True),
        ("Central Region", False),
        ("", False),
        ("x [1]", False),
    ],
)
def test_what_ends_as_a_sentence_does(text, ends):
    assert ends_sentence(text) is ends


@pytest.mark.parametrize("piece", [".", "…", "a.", "A. ", ".)", "“", '"', "(.", "[1]", ". a", "。", "x " * 10, "...a"])
def test_a_mass_of_characters_is_no_trap(piece):
    text = piece * (250_000 // len(piece))
    lead, rest = split_lead(text)
    assert len(lead) + len(rest) <= len(text)
