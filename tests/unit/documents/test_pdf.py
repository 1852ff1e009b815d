from io import BytesIO

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from jarvis.core.text import Kind, Text
from jarvis.documents.read import read
from jarvis.documents.split import split
from jarvis_ports.errors import DocumentUnreadable


def changed(data, change):
    writer = PdfWriter(clone_from=PdfReader(BytesIO(data)))
    change(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def with_fields(data, *fields):
    """Add form fields; each is what its dictionary holds."""

    def change(writer):
        made = ArrayObject()
        for field in fields:
            base = {"/Type": NameObject("/Annot"), "/Subtype": NameObject("/Widget")}
            base["/Rect"] = ArrayObject(map(NumberObject, (50, 50, 250, 70)))
            whole = {NameObject(name): value for name, value in {**base, **field}.items()}
            made.append(writer._add_object(DictionaryObject(whole)))
        writer.pages[0][NameObject("/Annots")] = made
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): made})

    return changed(data, change)


def text_field(name, value, **rest):
    more = {f"/{key}": value for key, value in rest.items()}
    return {"/FT": NameObject("/Tx"), "/T": TextStringObject(name), "/V": TextStringObject(value), **more}


def test_pages_are_apart_and_those_without_text_are_named(pdf):
    assert read(pdf("page one", "", "page two"), "a.pdf", None) == Text(
        "page one\n\npage two",
        Kind.PLAIN,
        notes=("no text on page 2: blank, a picture, or damaged",),
        pages=(0, 8, 10),
    )
    notes = read(pdf("one", *[""] * 30), "a.pdf", None).notes
    assert notes[0].startswith("no text on pages 2, 3,")
    assert notes[0].endswith(" 21 and 10 more: blank, a picture, or damaged")


def test_one_bad_page_does_not_keep_the_others_back(pdf):
    data = pdf("apricots", "PLACE", "quinces")
    start = data.index(b"stream\n", data.index(b"stream\n") + 7) + 7
    end = data.index(b"\nendstream", start)
    bad = data[:start] + b"\xff" * (end - start) + data[end:]
    text = read(bad, "a.pdf", None)
    assert text.text == "apricots\n\nquinces"
    assert text.notes == ("no text on page 2: blank, a picture, or damaged",)


def test_chunks_know_their_pages(pdf):
    text = read(pdf("alpha " * 12, "", "beta " * 12, "gamma"), "a.pdf", None)
    chunks = split(text, max_tokens=16, overlap=0, count=lambda part: len(part.split()) + 2)
    assert [(chunk.text.split()[0], chunk.pages) for chunk in chunks] == [
        ("alpha", (1, 1)),
        ("beta", (3, 4)),
    ]
    assert all(chunk.text == text.text[chunk.start : chunk.end] for chunk in chunks)


def test_what_is_filled_in_is_read(pdf):
    box = {"/FT": NameObject("/Btn"), "/T": TextStringObject("agreed"), "/V": NameObject("/Yes")}
    form = with_fields(
        pdf("Application"),
        text_field("name", "Geneviève Quint"),
        text_field("f2", "3 Elm Street", TU=TextStringObject("Address")),
        text_field("secret", "hunter2", Ff=NumberObject(1 << 13)),
        text_field("hidden", "EVIL", F=NumberObject(2)),
        text_field("empty", ""),
        {**box, "/AS": NameObject("/Yes")},
        {**box, "/T": TextStringObject("refused"), "/V": NameObject("/Off")},
    )
    assert read(form, "a.pdf", None).text.splitlines() == [
        "Application",
        "name: Geneviève Quint",
        "Address: 3 Elm Street",
        "agreed: Yes",
    ]


def test_what_is_written_onto_a_page_is_read(pdf):
    note = FreeText(text="signed by hand", rect=(50, 50, 250, 70))
    written = changed(pdf("Contract"), lambda writer: writer.add_annotation(0, note))
    assert read(written, "a.pdf", None).text == "Contract\nsigned by hand"


def test_words_broken_at_the_end_of_a_line_are_shown_as_on_the_page(pdf):
    lines = "(the configu-) Tj 0 -14 Td (ration of it) Tj 0 -14 Td (ends"
    assert (
        read(pdf(lines.replace("(the", "the", 1)), "a.pdf", None).text == "the configu-\nration of it\nends"
    )


@pytest.mark.parametrize("source", ["a.txt", "a.md", "upload", "a.html", "a.py"])
def test_a_pdf_under_another_name_is_a_pdf(pdf, source):
    assert read(pdf("words"), source, None).text == "words"
    assert read(pdf("words"), source, "text/plain").text == "words"


def test_a_text_about_pdf_is_a_text():
    assert read(b"%PDF-1.7 is how they begin", "a.txt", None).text == "%PDF-1.7 is how they begin"


def test_what_is_no_pdf_is_refused():
    with pytest.raises(DocumentUnreadable, match=r"^a\.pdf is damaged, or is not a PDF"):
        read(b"%PDF-1.7 1 0 obj", "a.pdf", None)
