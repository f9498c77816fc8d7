//! The store as the daemon uses it.
#![cfg(test)]

mod audit;
mod backup;
mod disk;
mod durability;
mod events;
mod judgement;
mod kit;
mod listing;
mod opening;
mod policies;
mod receipts;
mod requests;
mod sessions;
