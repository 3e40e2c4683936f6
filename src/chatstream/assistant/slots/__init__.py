"""Values in what people write: a small English grammar for times, dates, numbers and the like."""
