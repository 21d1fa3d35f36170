"""Answers to questions of users, read from objects, IR and reports; never a second opinion."""
