#![doc = "Part of Mainstay."]
#![forbid(unsafe_code)]
