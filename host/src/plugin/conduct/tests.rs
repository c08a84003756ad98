//! When a version is taken back, and when it is not.

use std::time::Duration;

use super::*;

fn rules() -> Rollback {
    Rollback {
        traps: 3,
        within: Duration::from_millis(40),
        attempts: 50,
        share: 0.2,
        times: 3.0,
    }
}

fn conduct() -> Conduct {
    Conduct::new(rules(), Arc::default())
}

/// A version that follows one whose attempts failed as listed.
fn after(before: &[bool]) -> Conduct {
    let old = conduct();
    before.iter().for_each(|failed| old.attempted(*failed));
    let new = conduct();
    new.follows(&old);
    new
}

#[test]
fn traps_in_a_row_condemn() {
    let conduct = after(&[]);
    conduct.trapped();
    conduct.trapped();
    assert_eq!(conduct.verdict(), None);
    conduct.trapped();
    assert_eq!(conduct.verdict(), Some("3 failed calls within 0 s of each other"));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time between two traps is what is tested"
)]
fn traps_far_from_each_other_do_not() {
    let conduct = after(&[]);
    for _ in 0..4 {
        conduct.trapped();
        std::thread::sleep(Duration::from_millis(60));
    }
    assert_eq!(conduct.verdict(), None);
}

#[test]
fn without_a_version_to_go_back_to_nothing_condemns() {
    let conduct = conduct();
    (0..10).for_each(|_| conduct.trapped());
    (0..60).for_each(|_| conduct.attempted(true));
    assert_eq!(conduct.verdict(), None);
}

#[test]
fn many_failures_condemn_if_there_were_fewer_before() {
    let conduct = after(&[false; 64]);
    (0..49).for_each(|turn| conduct.attempted(turn % 4 == 0));
    assert_eq!(conduct.verdict(), None, "too early to tell");
    conduct.attempted(false);
    assert_eq!(
        conduct.verdict(),
        Some("26 % of its first 50 attempts failed, 0 % before the swap")
    );
}

#[test]
fn a_vendor_that_failed_before_is_not_the_new_version_s_fault() {
    let failing: Vec<bool> = (0..64).map(|turn| turn % 4 == 0).collect();
    let conduct = after(&failing);
    (0..200).for_each(|turn| conduct.attempted(turn % 2 == 0));
    assert_eq!(conduct.verdict(), None);
}

#[test]
fn failures_long_after_the_swap_are_not_its_fault() {
    let conduct = after(&[false; 64]);
    (0..50).for_each(|_| conduct.attempted(false));
    (0..200).for_each(|_| conduct.attempted(true));
    assert_eq!(conduct.verdict(), None);
}
