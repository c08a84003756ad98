//! When a plugin leaves the workers, and when it comes back.

use super::*;
use crate::config::Plugins;

fn lane(trusted: bool) -> Arc<Lane> {
    let grants = Grants {
        trusted,
        ..Plugins::default().ungranted
    };
    Arc::new(Lane::new("tested", &grants))
}

/// Keeps the processor busy.
fn burn(time: Duration) {
    let until = thread_time() + time;
    while thread_time() < until {
        std::hint::spin_loop();
    }
}

/// So often that it leaves the workers.
fn overrun(lane: &Lane) {
    while !lane.is_slow() {
        lane.overran();
    }
}

#[tokio::test]
async fn a_plugin_that_is_slow_leaves_the_workers_and_comes_back_when_it_is_quick() {
    let lane = lane(false);
    let here = std::thread::current().id();
    assert_eq!(
        lane.run(To::Begin, move || std::thread::current().id()).await,
        Ok(here)
    );
    for _ in 0..MEASURED * 20 {
        lane.run_here(|| burn(Duration::from_millis(2)));
    }
    assert!(lane.is_slow());
    assert_ne!(
        lane.run(To::Begin, move || std::thread::current().id()).await,
        Ok(here)
    );
    for _ in 0..100 {
        assert_eq!(lane.run(To::Begin, || ()).await, Ok(()));
    }
    assert!(!lane.is_slow());
    assert_eq!(
        lane.run(To::Begin, move || std::thread::current().id()).await,
        Ok(here)
    );
}

#[tokio::test]
async fn one_long_call_among_short_ones_is_forgiven_and_several_ban_for_a_while() {
    let lane = lane(false);
    lane.overran();
    assert!(!lane.is_slow());
    for _ in 0..MEASURED * 100 {
        lane.run_here(|| ());
    }
    overrun(&lane);
    for _ in 0..200 {
        assert_eq!(lane.run(To::Begin, || ()).await, Ok(()));
    }
    assert!(lane.is_slow(), "the calls are quick, but the ban holds");
    tokio::time::sleep(FIRST_BAN).await;
    assert_eq!(lane.run(To::Begin, || ()).await, Ok(()));
    assert!(!lane.is_slow());
}

#[test]
fn a_trusted_plugin_stays() {
    let lane = lane(true);
    lane.overran();
    for _ in 0..MEASURED * 20 {
        lane.run_here(|| burn(Duration::from_millis(2)));
    }
    assert!(!lane.is_slow());
}

#[tokio::test]
async fn a_slow_plugin_has_so_many_threads_and_no_more() {
    let lane = lane(false);
    overrun(&lane);
    let (begun, mut started) = tokio::sync::mpsc::unbounded_channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let first = lane.clone();
    let first = tokio::spawn(async move {
        let hold = move || {
            let _ = begun.send(());
            let _ = held.recv();
        };
        first.run(To::Begin, hold).await
    });
    started.recv().await.unwrap();
    assert_eq!(lane.run(To::Begin, || ()).await, Err(Limit::Threads(1)));
    let patient = timeout(THREAD_WAIT * 2, lane.run(To::GoOn, || ())).await;
    assert!(patient.is_err(), "what is under way goes on waiting");
    drop(release);
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(lane.run(To::Begin, || ()).await, Ok(()));
}
