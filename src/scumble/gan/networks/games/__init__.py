"""Networks of games that take more than a pair, each made of one."""
