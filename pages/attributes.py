from explorer.app.attributes import attributes_page

attributes_page()
