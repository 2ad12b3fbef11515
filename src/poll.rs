//! (being written)

pub mod feed;
pub mod listing;
pub mod sitemap;
