//! Every fault in this format.

use super::*;

#[tokio::test]
async fn what_breaks_off_leaves_start_and_tokens() {
    let left = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
    ];
    assert_eq!(names(&proper(Rule::always().tokens(3).end_after(1)).await), left);
    for (rule, end) in [
        (Rule::always().tokens(3).cut_after(1), Ending::Closed),
        (Rule::always().tokens(3).reset_after(1), Ending::Reset),
        (Rule::always().tokens(3).stall_after(1), Ending::Silent),
    ] {
        let raw = under(rule, &streamed()).await;
        assert_eq!((raw.chunks().1, raw.end), (false, end));
        assert_eq!(names(&events(&raw)), left);
    }
    let raw = under(Rule::always().reset(Reset::AfterHeaders), &streamed()).await;
    assert_eq!((raw.rest().len(), raw.end), (0, Ending::Reset));
    let raw = under(Rule::always().reset(Reset::BeforeHeaders), &streamed()).await;
    assert_eq!((raw.bytes.len(), raw.end), (0, Ending::Reset));
    let raw = under(Rule::always().never(), &streamed()).await;
    assert_eq!((raw.bytes.len(), raw.end), (0, Ending::Silent));
}

#[tokio::test]
async fn wrong_events_come_between_the_others() {
    let broken = proper(Rule::always().tokens(2).malformed_after(1)).await;
    let noisy = proper(Rule::always().tokens(2).noise_after(1)).await;
    for (events, start) in [(broken, "{"), (noisy, "ping")] {
        assert_eq!((events.len(), events[4].0.as_str()), (9, "content_block_delta"));
        assert!(
            events[4].1.as_str().unwrap().starts_with(start),
            "{:?}",
            events[4]
        );
        assert_eq!(events[8].0, "message_stop");
    }
    let whole = under(Rule::always().malformed_after(1), &hello(&json!({}))).await;
    assert!(serde_json::from_slice::<Value>(whole.rest()).is_err());
}

#[tokio::test]
async fn an_error_comes_in_the_middle_of_a_good_status() {
    let rule = Rule::always().tokens(3).error_after(1);
    let events = proper(rule.clone()).await;
    let (name, data) = events.last().unwrap();
    assert_eq!((events.len(), name.as_str()), (5, "error"));
    assert_eq!(
        (&data["type"], &data["error"]["type"]),
        (&json!("error"), &json!("overloaded_error"))
    );
    let raw = under(rule, &hello(&json!({}))).await;
    assert!(raw.head().starts_with("HTTP/1.1 200 "));
    assert_eq!(raw.json()["error"]["type"], "api_error");
}

#[tokio::test]
async fn parts_are_left_out_or_come_twice() {
    let ends = async |rule: Rule| {
        let events = proper(rule.tokens(1)).await;
        let end = events[5..].iter().map(|(name, data)| {
            let told = |value: &Value| !value.is_null();
            (
                name.clone(),
                told(&data["delta"]["stop_reason"]),
                told(&data["usage"]),
            )
        });
        (
            events[0].1["message"]["usage"].is_object(),
            end.collect::<Vec<_>>(),
        )
    };
    let delta = |finish, usage| ("message_delta".to_owned(), finish, usage);
    let stop = ("message_stop".to_owned(), false, false);
    for (rule, at_start, expected) in [
        (Rule::always().omit([Part::Done]), true, vec![delta(true, true)]),
        (
            Rule::always().omit([Part::Finish]),
            true,
            vec![delta(false, true), stop.clone()],
        ),
        (
            Rule::always().omit([Part::Usage]),
            false,
            vec![delta(true, false), stop.clone()],
        ),
        (
            Rule::always().omit([Part::Usage, Part::Finish]),
            false,
            vec![stop.clone()],
        ),
        (
            Rule::always().twice(Part::Finish),
            true,
            vec![delta(true, true), delta(true, false), stop],
        ),
    ] {
        assert_eq!(ends(rule).await, (at_start, expected));
    }
    let whole = under(
        Rule::always().omit([Part::Finish, Part::Usage]),
        &hello(&json!({})),
    )
    .await
    .json();
    assert_eq!(
        (whole.get("stop_reason"), whole.get("usage")),
        (Some(&Value::Null), None)
    );
}

#[tokio::test]
async fn the_wrong_kind_and_the_wrong_size_of_reply() {
    let raw = under(Rule::always().tokens(1).stream(true), &hello(&json!({}))).await;
    assert_eq!(events(&raw).len(), 7);
    let raw = under(Rule::always().stream(false), &streamed()).await;
    assert_eq!(raw.json()["type"], "message");
    let events = proper(Rule::always().tokens(2).huge_after(1, 1_000_000)).await;
    assert_eq!(events[4].1["delta"]["text"].as_str().unwrap().len(), 1_000_000);
    for difference in [-5, 5] {
        let raw = under(Rule::always().content_length(difference), &hello(&json!({}))).await;
        let length: i64 = raw.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length - i64::try_from(raw.rest().len()).unwrap(), difference);
    }
}

#[tokio::test]
async fn how_it_is_written_does_not_change_what_is_said() {
    let plain = proper(Rule::always().tokens(2)).await;
    assert_eq!(
        proper(Rule::always().tokens(2).split(NonZeroU16::MIN)).await,
        plain
    );
    assert_eq!(
        proper(Rule::always().tokens(2).coalesce(NonZeroU16::new(3).unwrap())).await,
        plain
    );
    assert_eq!(
        proper(Rule::always().tokens(2).informational([StatusCode::EARLY_HINTS])).await,
        plain
    );
    let dripping = Rule::always().tokens(2).split(NonZeroU16::new(50).unwrap());
    assert_eq!(proper(dripping.drip(Duration::from_millis(1))).await, plain);

    let packed = under(Rule::always().tokens(2).gzip(), &streamed())
        .await
        .chunks()
        .0
        .concat();
    let mut text = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.starts_with("event: message_start\n") && text.ends_with("\"message_stop\"}\n\n"));
}

#[tokio::test]
async fn an_endless_message_never_stops() {
    let rule = Rule::always()
        .tokens(2)
        .interval(Duration::from_millis(1))
        .endless();
    let (simulator, _client) = simulator([rule]).await;
    let mut stream = send(simulator.addr(), PATH, KEY, &streamed()).await;
    let raw = Raw::read(&mut stream, 20_000).await;
    assert!(raw.text().matches("\"text\":\" token-1\"").count() > 50);
    assert!(!raw.text().contains("content_block_stop"));
    drop(stream);
    assert!(simulator.settled(crate::client::SOON).await);
    assert_eq!(simulator.requests()[0].ended.unwrap().how, How::CallerLeft);
}
