"""A day of enrolment, simulated: real gateway and sandbox over HTTP, one hand-moved clock for all of them."""
