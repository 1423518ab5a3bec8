"""From log-mel to a mouth shape in the speaker's own measures."""
