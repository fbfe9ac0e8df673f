package events

// WhyPaused says to people what a run or trigger of a disabled job waits for.
const WhyPaused = "its job is disabled: it goes on when the job is enabled, and is dropped when the job is deleted"
