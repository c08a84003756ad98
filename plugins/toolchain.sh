#!/bin/sh
# Provides what compiles plugins: a Rust for the target wasm32-unknown-unknown. Says nothing if it is there.
#
#   1. rustup's: `rustup target add`.
#   2. Debian's packages, for machines whose rustup cannot download. They need root.
#
# PATCHBAY_GUEST_TOOLCHAIN=rustup or =debian forces one of the two; the build of plugins heeds it too.
set -eu

target=wasm32-unknown-unknown
wanted=${PATCHBAY_GUEST_TOOLCHAIN:-any}

say() { echo "toolchain.sh: $*" >&2; }

# An empty folder is what is left of a target that has been removed.
has_library() {
    folder=$(rustc --print target-libdir --target "$target" 2>/dev/null) && [ -n "$(ls "$folder" 2>/dev/null)" ]
}

# rust-lld lies in a folder of the toolchain that is on nobody's path.
has_linker() {
    folder=$(rustc --print target-libdir 2>/dev/null) && [ -x "$folder/../bin/rust-lld" ] && return
    command -v wasm-ld >/dev/null
}

has_debian() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -f /usr/lib/rustlib/src/rust/library/Cargo.lock ] && has_linker
}

add_to_rustup() {
    command -v rustup >/dev/null || return
    say "adding $target to rustup's toolchain"
    # Without a limit a machine that cannot reach the server waits for minutes.
    timeout 120 rustup target add "$target" >&2 && has_library
}

install_debian() {
    command -v apt-get >/dev/null || return
    if [ "$(id -u)" -ne 0 ]; then
        say "apt-get needs root"
        return 1
    fi
    packages="rustc-web cargo-web rust-web-src"
    has_linker || packages="$packages lld"
    say "installing Debian's $packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
    # shellcheck disable=SC2086 # a list of words
    apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $packages >&2 && has_debian
}

case $wanted in
any) has_library || has_debian || add_to_rustup || install_debian ;;
rustup) has_library || add_to_rustup ;;
debian) has_debian || install_debian ;;
*)
    say "PATCHBAY_GUEST_TOOLCHAIN is $wanted; set it to rustup or debian, or not at all"
    exit 1
    ;;
esac || {
    say "no Rust toolchain for $target. One of these provides it:"
    say "    rustup target add $target"
    say "    apt-get install rustc-web cargo-web rust-web-src lld      (Debian, as root)"
    exit 1
}
