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

#[tokio::test]
async fn an_inner_place_is_taken_in_both_gates_or_in_none() {
    let house = Gate::new(2);
    let (one, two) = (Gate::within(&house, 1), Gate::within(&house, 5));
    let first = one.enter().unwrap();
    assert!(one.enter().is_none(), "its own places are taken");
    let second = two.enter().unwrap();
    assert!(two.enter().is_none() && !two.has_room(), "the house is full");
    assert_eq!((one.taken(), two.taken(), house.taken()), (1, 1, 2));
    drop(second);
    assert!(two.has_room() && !one.has_room());
    drop(first);
    assert_eq!((one.taken(), two.taken(), house.taken()), (0, 0, 0));
}

#[tokio::test]
async fn who_waits_for_a_full_gate_holds_no_place_of_the_house_and_stands_in_nobodys_way() {
    let house = Gate::new(2);
    let (one, two) = (Gate::within(&house, 1), Gate::within(&house, 2));
    let first = one.enter().unwrap();
    let mut for_one = one.queue("a", 9).unwrap();
    assert_eq!(house.taken(), 1, "waiting takes nothing");
    let second = two.enter().expect("nobody waits for this one");
    let mut for_two = two.queue("a", 9).unwrap();
    drop(second);
    assert!(turn(&mut for_one).await.is_none(), "still full");
    let third = turn(&mut for_two).await.expect("the one in front is passed over");
    drop(for_two);
    drop(first);
    let fourth = turn(&mut for_one).await.expect("both are free");
    drop((third, fourth, for_one));
    assert_eq!(
        (house.taken(), house.waiting(), one.waiting(), two.waiting()),
        (0, 0, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_place_of_a_house_is_lost_and_none_given_twice() {
    const HOUSE: usize = 3;
    const ROOM: usize = 2;
    let house = Gate::new(HOUSE);
    let rooms: Vec<Arc<Gate>> = (0..3).map(|_| Gate::within(&house, ROOM)).collect();
    let inside: Arc<[AtomicUsize; 4]> = Arc::default();
    let mut tasks = Vec::new();
    for task in 0..16_usize {
        let (rooms, inside) = (rooms.clone(), inside.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..2_000_usize {
                let number = (task + round) % rooms.len();
                let room = &rooms[number];
                let place = match room.enter() {
                    Some(place) => place,
                    None if (task + round).is_multiple_of(5) => {
                        drop(room.queue("impatient", 100));
                        continue;
                    }
                    None => room.queue(&(task % 4).to_string(), 100).unwrap().await,
                };
                assert!(inside[number].fetch_add(1, SeqCst) < ROOM);
                assert!(inside[3].fetch_add(1, SeqCst) < HOUSE);
                if round % 7 == 0 {
                    tokio::task::yield_now().await;
                }
                inside[number].fetch_sub(1, SeqCst);
                inside[3].fetch_sub(1, SeqCst);
                drop(place);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for gate in rooms.iter().chain([&house]) {
        assert_eq!((gate.taken(), gate.waiting()), (0, 0));
    }
}
