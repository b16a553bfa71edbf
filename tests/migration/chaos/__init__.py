"""Migrations whose workers, coordinators, servers and disks fail, for real."""
