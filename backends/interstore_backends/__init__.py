"""The engines that come with Interstore, one folder each: the only place that imports a driver."""
