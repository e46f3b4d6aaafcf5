//! What is no recording of a card, and what breaks off.
