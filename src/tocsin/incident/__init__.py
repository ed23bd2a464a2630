"""What happened and what was learnt: incidents through their steps, timeline, evidence, runbooks, postmortems, guards."""
