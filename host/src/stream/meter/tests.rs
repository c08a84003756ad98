//! What passes, what is taken out, what is added, and when a stream is complete.

use super::*;

const TOKEN: &str = r#"{"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}"#;
const FINISH: &str = r#"{"id":"i","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const USAGE: &str = r#"{"id":"i","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;

fn meter(usage: bool, choices: u32) -> Meter {
    Meter::new(Expected {
        usage,
        choices,
        input: 5,
    })
}

fn pass(meter: &mut Meter, events: &[&str]) -> String {
    let mut out = Chunks::default();
    for event in events {
        let passed = meter
            .pass(&Bytes::copy_from_slice(event.as_bytes()), &mut out)
            .unwrap();
        assert_ne!(passed, Passed::Error);
    }
    String::from_utf8(out.frames.to_vec()).unwrap()
}

fn closing(meter: &mut Meter) -> String {
    let mut out = BytesMut::new();
    meter.closing(&mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn the_usage_chunk_is_metered_and_taken_out_for_callers_who_did_not_ask() {
    let mut meter = meter(false, 1);
    let out = pass(&mut meter, &[TOKEN, FINISH, USAGE, "[DONE]"]);
    assert_eq!(out, format!("data: {TOKEN}\n\ndata: {FINISH}\n\n"));
    let used = meter.used();
    assert_eq!(
        (used.tokens.input, used.tokens.output, used.estimated),
        (7, 2, false)
    );
    assert!(meter.is_done() && meter.check_complete().is_ok());
    assert_eq!(closing(&mut meter), "");
}

#[test]
fn the_usage_chunk_passes_for_callers_who_asked() {
    let mut meter = meter(true, 1);
    let out = pass(&mut meter, &[TOKEN, FINISH, USAGE]);
    assert!(out.contains(USAGE));
    assert_eq!(closing(&mut meter), "");
}

#[test]
fn the_usage_chunk_comes_once_and_behind_the_end_whatever_the_vendor_does() {
    let mut finished = meter(true, 1);
    let out = pass(&mut finished, &[TOKEN, FINISH, USAGE, USAGE, "[DONE]"]);
    assert_eq!(out.matches(r#""prompt_tokens":"#).count(), 1, "{out}");
    assert_eq!(closing(&mut finished), "");

    for events in [&[TOKEN, USAGE, "[DONE]"][..], &[TOKEN, USAGE, FINISH, "[DONE]"]] {
        let mut meter = meter(true, 1);
        let said = pass(&mut meter, events) + &closing(&mut meter);
        assert_eq!(said.matches(r#""prompt_tokens":"#).count(), 1, "{said}");
        let (finish, usage) = (said.find(r#""stop""#), said.find(r#""prompt_tokens":7"#));
        assert!(finish.is_some() && finish < usage, "{said}");
    }
}

#[test]
fn the_usage_chunk_is_made_where_only_the_adapter_counted() {
    let mut meter = meter(true, 1);
    for chunk in [TOKEN, FINISH] {
        let chunk = Bytes::from_static(chunk.as_bytes());
        meter
            .pass_translated(&chunk, true, &mut Chunks::default())
            .unwrap();
    }
    meter.count(TokenClass::Input, 3);
    meter.count(TokenClass::Output, 4);
    let chunk = closing(&mut meter);
    assert!(
        chunk.starts_with(r#"data: {"id":"i","model":"m","choices":[],"usage":{"prompt_tokens":3"#),
        "{chunk}"
    );
}

#[test]
fn what_nobody_counted_is_estimated() {
    let mut meter = meter(true, 1);
    assert_eq!(meter.used(), Used::default(), "nothing has been used");
    pass(&mut meter, &[TOKEN, TOKEN, TOKEN, TOKEN, TOKEN]);
    let used = meter.used();
    assert_eq!(
        (used.tokens.input, used.tokens.output, used.estimated),
        (5, 2, true)
    );
    // A first count, of the time before the answer, is less than what has passed since.
    meter.count(TokenClass::Input, 9);
    meter.count(TokenClass::Output, 1);
    let used = meter.used();
    assert_eq!(
        (used.tokens.input, used.tokens.output, used.estimated),
        (9, 2, true)
    );
    meter.count(TokenClass::Output, 40);
    assert!(!meter.used().estimated);
}

#[test]
fn a_stream_that_was_cut_is_not_complete() {
    let mut one = meter(false, 1);
    assert!(one.check_complete().is_err());
    pass(&mut one, &[TOKEN]);
    assert!(one.check_complete().is_err());
    pass(&mut one, &[FINISH]);
    assert!(one.is_finished() && one.check_complete().is_ok());

    let mut two = meter(false, 2);
    pass(&mut two, &[TOKEN, FINISH]);
    assert!(two.check_complete().is_err(), "the second choice is missing");
    pass(&mut two, &[&FINISH.replace("\"index\":0", "\"index\":1")]);
    assert!(two.check_complete().is_ok());
}

#[test]
fn an_end_mark_after_nothing_is_no_answer() {
    let mut meter = meter(false, 1);
    pass(
        &mut meter,
        &[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant"}}]}"#,
            "[DONE]",
        ],
    );
    assert!(meter.check_complete().is_err());
}

#[test]
fn a_finish_reason_that_was_left_out_is_added() {
    let mut text = meter(false, 1);
    pass(&mut text, &[TOKEN, "[DONE]"]);
    text.check_complete().unwrap();
    assert_eq!(
        closing(&mut text),
        "data: {\"id\":\"i\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    );
    let mut call = meter(false, 1);
    let called = r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c"}]}}]}"#;
    pass(&mut call, &[called, "[DONE]"]);
    call.check_complete().unwrap();
    assert!(closing(&mut call).contains(r#""finish_reason":"tool_calls""#));
}

#[test]
fn a_choice_finishes_once() {
    let mut meter = meter(false, 1);
    let with_usage = FINISH.replace("}]}", r#"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#);
    let out = pass(&mut meter, &[TOKEN, FINISH, &with_usage, "[DONE]"]);
    assert_eq!(out, format!("data: {TOKEN}\n\ndata: {FINISH}\n\n"));
    assert_eq!(meter.used().tokens.input, 1, "its usage counts");
}

#[test]
fn errors_and_broken_chunks_do_not_pass_but_noise_is_skipped() {
    let mut out = Chunks::default();
    let mut meter = meter(false, 1);
    let mut pass =
        |meter: &mut Meter, text: &'static str| meter.pass(&Bytes::from_static(text.as_bytes()), &mut out);
    assert_eq!(
        pass(&mut meter, r#"{"error":{"message":"overloaded"}}"#).unwrap(),
        Passed::Error
    );
    for noise in ["ping", "", "[]", "\"ok\""] {
        assert_eq!(pass(&mut meter, noise).unwrap(), Passed::Skipped, "{noise}");
    }
    const BROKEN: &str = "{\"choices\":[{";
    assert!(pass(&mut meter, BROKEN).is_err());
    pass(&mut meter, TOKEN).unwrap();
    assert!(pass(&mut meter, BROKEN).is_err());
    pass(&mut meter, FINISH).unwrap();
    assert_eq!(
        pass(&mut meter, BROKEN).unwrap(),
        Passed::Skipped,
        "all of the answer is there"
    );
    assert_eq!(
        pass(&mut meter, r#"{"error":{"message":"overloaded"}}"#).unwrap(),
        Passed::Skipped
    );
    assert!(!String::from_utf8(out.frames.to_vec()).unwrap().contains("error"));
}

#[test]
fn json_over_several_lines_is_put_on_one() {
    assert_eq!(
        pass(&mut meter(false, 1), &["{\"choices\":\n[]}"]),
        "data: {\"choices\": []}\n\n"
    );
}
