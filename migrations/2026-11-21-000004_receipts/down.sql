DROP TABLE followed_files;
DROP TABLE violations;
