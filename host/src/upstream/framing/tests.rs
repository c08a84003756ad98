//! Framing by example, and by property: any split of the bytes gives the same events.

use proptest::prelude::*;

use super::*;

fn frame(framing: Framing, pieces: &[&[u8]]) -> Vec<(Option<String>, String)> {
    let mut framer = Framer::new(framing).unwrap();
    let mut events = Vec::new();
    for piece in pieces {
        framer.push(Bytes::copy_from_slice(piece), &mut events).unwrap();
    }
    events.extend(framer.end().unwrap());
    let text = |event: Event| (event.name, String::from_utf8(event.data.to_vec()).unwrap());
    events.into_iter().map(text).collect()
}

fn sse(text: &str) -> Vec<String> {
    frame(Framing::Sse, &[text.as_bytes()])
        .into_iter()
        .map(|(_, data)| data)
        .collect()
}

#[test]
fn sse_as_the_standard_reads_it() {
    for (text, expected) in [
        ("data: a\n\ndata: b\n\n", vec!["a", "b"]),
        ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", vec!["a", "b", "c"]),
        ("data:a\ndata: b\ndata\n\n", vec!["a\nb\n"]),
        (": comment\n\n\n\ndata: a\n\n", vec!["a"]),
        ("id: 1\nretry: 5\nevent: x\n\ndata: a\n\n", vec!["a"]),
        ("\u{feff}data: a\n\n", vec!["a"]),
        ("data:  two spaces\n\n", vec![" two spaces"]),
        ("data: unfinished", vec!["unfinished"]),
        ("data: a\n\n: keep-alive\n", vec!["a"]),
        ("", vec![]),
    ] {
        assert_eq!(sse(text), expected, "{text:?}");
    }
}

#[test]
fn sse_events_keep_their_names() {
    let events = frame(Framing::Sse, &[b"event: ping\ndata: 1\n\ndata: 2\n\n"]);
    assert_eq!(events, [(Some("ping".into()), "1".into()), (None, "2".into())]);
}

#[test]
fn ndjson_is_a_value_a_line() {
    let events = frame(Framing::Ndjson, &[b"{\"a\":1}\n\r\n  \n{\"b\":", b"2}\r\n{}"]);
    let data: Vec<_> = events.into_iter().map(|(_, data)| data).collect();
    assert_eq!(data, ["{\"a\":1}", "{\"b\":2}\r", "{}"]);
}

#[test]
fn a_huge_event_is_an_error_and_not_a_growing_buffer() {
    let mut framer = Framer::new(Framing::Sse).unwrap();
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let mut events = Vec::new();
    let result = (0..20).try_for_each(|_| framer.push(piece.clone(), &mut events));
    assert_eq!(result, Err(FramingError));

    let mut framer = Framer::new(Framing::Sse).unwrap();
    let line = Bytes::from([b"data: ".as_slice(), &vec![b'x'; 1 << 20], b"\n"].concat());
    let result = (0..20).try_for_each(|_| framer.push(line.clone(), &mut events));
    assert_eq!(result, Err(FramingError));
}

/// Streams made of the pieces that matter to the format, so that line ends meet in every combination.
fn stream() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("data: "),
        Just("data"),
        Just(":"),
        Just("event: e"),
        Just("{\"a\":1}"),
        Just("\u{e9}\u{4e2d}"),
        Just(" "),
        Just("\u{feff}"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(text in stream(), cuts in prop::collection::vec(0usize..400, 0..12)) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        let each_byte: Vec<&[u8]> = bytes.chunks(1).collect();
        for framing in [Framing::Sse, Framing::Ndjson] {
            let whole = frame(framing, &[bytes]);
            prop_assert_eq!(&frame(framing, &pieces), &whole);
            prop_assert_eq!(&frame(framing, &each_byte), &whole);
        }
    }
}
