from explorer.app.duplicates import duplicates_page

duplicates_page()
