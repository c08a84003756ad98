//! Every attack.

mod calls;
mod lists;
mod loading;
mod requests;
mod room;
mod strategies;

use crate::attack::Attack;

pub(crate) fn all() -> impl Iterator<Item = Attack> {
    [
        calls::attacks(),
        lists::attacks(),
        requests::attacks(),
        strategies::attacks(),
        loading::attacks(),
        room::attacks(),
    ]
    .into_iter()
    .flatten()
}
