"""How good a dub is: the protocol of `relip eval`, from clips and voices to a table, JSON and a contact sheet."""
