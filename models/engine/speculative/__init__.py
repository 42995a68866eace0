"""Draft tokens: prompt lookup and MTP."""
