"""What went wrong, in words for the person who typed the command."""


class ClusterError(Exception):
    pass
