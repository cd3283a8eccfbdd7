//! How the provider is reached: a folder per audience, a file per endpoint.

pub mod pages;
