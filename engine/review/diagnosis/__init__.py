"""What a trained network lacks, from how it does on the images it learned from and on those it did not."""
