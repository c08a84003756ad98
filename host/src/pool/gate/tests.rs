//! Places, queues and turns, alone and in a crowd.

use std::future::poll_fn;

use super::*;

/// Whether the waiter has its place now.
async fn turn(waiter: &mut Waiter) -> Option<Place> {
    poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *waiter).poll(context) {
            Poll::Ready(place) => Some(place),
            Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn places_are_given_back_and_handed_on() {
    let gate = Gate::new(1);
    let place = gate.enter().unwrap();
    assert!(gate.enter().is_none() && !gate.has_room());
    let mut waiter = gate.queue("a", 1).unwrap();
    assert!(gate.queue("b", 1).is_none(), "the queue is full");
    assert!(turn(&mut waiter).await.is_none());
    drop(place);
    assert!(gate.enter().is_none(), "nobody overtakes who waits");
    let place = turn(&mut waiter).await.unwrap();
    drop(waiter);
    assert_eq!((gate.taken(), gate.waiting()), (1, 0));
    drop(place);
    assert_eq!(gate.taken(), 0);
    assert!(gate.has_room());
}

#[tokio::test]
async fn callers_take_turns() {
    let gate = Gate::new(1);
    let mut place = gate.enter();
    let mut waiting: Vec<(&str, Waiter)> = ["a", "a", "a", "b", "c", "b"]
        .into_iter()
        .map(|caller| (caller, gate.queue(caller, 10).unwrap()))
        .collect();
    let mut order = Vec::new();
    while !waiting.is_empty() {
        place.take();
        for index in 0..waiting.len() {
            if let Some(given) = turn(&mut waiting[index].1).await {
                place = Some(given);
                order.push(waiting.remove(index).0);
                break;
            }
        }
    }
    assert_eq!(order, ["a", "b", "c", "a", "b", "a"]);
}

#[tokio::test]
async fn who_gives_up_is_passed_over_and_a_place_on_its_way_is_not_lost() {
    let gate = Gate::new(1);
    let place = gate.enter().unwrap();
    let left = gate.queue("a", 10).unwrap();
    let on_its_way = gate.queue("b", 10).unwrap();
    let mut last = gate.queue("c", 10).unwrap();
    drop(left);
    drop(place);
    drop(on_its_way);
    let place = turn(&mut last).await;
    assert!(place.is_some());
    drop((place, last));
    assert_eq!((gate.taken(), gate.waiting()), (0, 0));
}

#[tokio::test]
async fn more_places_let_more_in() {
    let gate = Gate::new(1);
    let _place = gate.enter().unwrap();
    let mut waiter = gate.queue("a", 1).unwrap();
    gate.resize(2);
    assert!(turn(&mut waiter).await.is_some());
    gate.resize(1);
    assert!(!gate.has_room());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_place_is_lost_and_none_given_twice() {
    const PLACES: usize = 3;
    let gate = Gate::new(PLACES);
    let inside = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for task in 0..16_usize {
        let (gate, inside) = (gate.clone(), inside.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..2_000_usize {
                let place = match gate.enter() {
                    Some(place) => place,
                    None if (task + round).is_multiple_of(5) => {
                        drop(gate.queue("impatient", 100));
                        continue;
                    }
                    None => gate.queue(&task.to_string(), 100).unwrap().await,
                };
                assert!(inside.fetch_add(1, SeqCst) < PLACES);
                if round % 7 == 0 {
                    tokio::task::yield_now().await;
                }
                inside.fetch_sub(1, SeqCst);
                drop(place);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((gate.taken(), gate.waiting()), (0, 0));
}
